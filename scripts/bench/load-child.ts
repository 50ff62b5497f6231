// A separate process that generates load, so that it shares no event loop with the measured process. `load.ts` sends it jobs.
import pg from 'pg';
import { openHttpConnection } from './http-connection.ts';
import type { HttpClient, Job, PlainClient, Result } from './load.ts';

/** One client that sends its next request as soon as the last one was answered. */
interface RunningClient {
  once(turn: number): Promise<void>;
  end(): Promise<void>;
}

/** A number with a fixed number of digits, so that the length of a request is known. */
const digits = (turn: number): string => String(turn).padStart(10, '0');

async function httpClient({ url, request, status }: HttpClient): Promise<RunningClient> {
  const { hostname, port } = new URL(url);
  const connection = await openHttpConnection(hostname, Number(port));
  return {
    async once(turn) {
      const answer = await connection.send(request.replace('{turn}', digits(turn)));
      if (answer.status !== status) throw new Error(`Unexpected status ${answer.status}: ${answer.text()}`);
    },
    end: async () => connection.end(),
  };
}

async function plainClient({ database, steps }: PlainClient): Promise<RunningClient> {
  const client = new pg.Client(database);
  await client.connect();
  const fill = (value: unknown, turn: number): unknown =>
    value === '{now}'
      ? new Date()
      : value === '{uuid}'
        ? crypto.randomUUID()
        : typeof value === 'string'
          ? value.replaceAll('{turn}', digits(turn))
          : value;
  return {
    async once(turn) {
      for (const { name, text, values } of steps) {
        if (name === null) await client.query(text);
        else await client.query({ name, text, values: values.map((value) => fill(value, turn)) });
      }
    },
    end: () => client.end(),
  };
}

/** PostgreSQL plans each of the first five runs of a statement on a connection, which takes longer than many runs. */
const UNTIMED = 6;
let turns = 0;

async function perform({ clients, seconds }: Job): Promise<Result> {
  const running = await Promise.all(
    clients.map((client) => (client.kind === 'http' ? httpClient(client) : plainClient(client))),
  );
  await Promise.all(
    running.map(async (client) => {
      for (let run = 0; run < UNTIMED; run++) await client.once(turns++);
    }),
  );
  const latencies: number[] = [];
  const began = performance.now();
  const until = began + seconds * 1000;
  await Promise.all(
    running.map(async (client) => {
      for (let sent = performance.now(); sent < until; ) {
        await client.once(turns++);
        const answered = performance.now();
        latencies.push(answered - sent);
        sent = answered;
      }
    }),
  );
  const elapsed = (performance.now() - began) / 1000;
  await Promise.all(running.map((client) => client.end()));
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.floor((latencies.length - 1) * share)] ?? Number.NaN;
  return { rate: latencies.length / elapsed, p50: at(0.5), p99: at(0.99) };
}

process.on('message', (job: Job) => {
  perform(job).then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
process.on('disconnect', () => process.exit());
