// A process of its own that makes load, so that whoever is measured does not share a core's time with the generator more
// than any client would. Its parent sends jobs; see `load.ts`.
import pg from 'pg';
import { openHttpLine } from './http-line.ts';
import type { HttpLane, Job, PlainLane, Result } from './load.ts';

/** One client that sends its next request as soon as the last one was answered. */
interface Client {
  once(turn: number): Promise<void>;
  end(): Promise<void>;
}

/** A number of always as many digits, so that the length of a request that bears it is known before. */
const digits = (turn: number): string => String(turn).padStart(10, '0');

async function httpClient({ url, request, status }: HttpLane): Promise<Client> {
  const { hostname, port } = new URL(url);
  const line = await openHttpLine(hostname, Number(port));
  return {
    async once(turn) {
      const answer = await line.send(request.replace('{turn}', digits(turn)));
      if (answer.status !== status) throw new Error(`answered ${answer.status}: ${answer.text()}`);
    },
    end: async () => line.end(),
  };
}

async function plainClient({ database, steps }: PlainLane): Promise<Client> {
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

let turns = 0;

async function perform({ lanes, seconds }: Job): Promise<Result> {
  const clients = await Promise.all(
    lanes.map((lane) => (lane.kind === 'http' ? httpClient(lane) : plainClient(lane))),
  );
  const latencies: number[] = [];
  const began = performance.now();
  const until = began + seconds * 1000;
  await Promise.all(
    clients.map(async (client) => {
      for (let sent = performance.now(); sent < until; ) {
        await client.once(turns++);
        const answered = performance.now();
        latencies.push(answered - sent);
        sent = answered;
      }
    }),
  );
  const elapsed = (performance.now() - began) / 1000;
  await Promise.all(clients.map((client) => client.end()));
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
