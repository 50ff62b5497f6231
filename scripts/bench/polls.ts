import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { findPollAccess } from '#server/features/access/store.ts';
import { findRequirements } from '#server/features/approvals/store.ts';
import { VISIBLE_INTERVAL } from '#src/lib/poll-interval.ts';
import { type ApprovalsWorld, makeWorld, type Voter } from './approvals-world.ts';
import { cpuMeter } from './cpu-time.ts';
import { atMost, type Figure, median } from './figure.ts';
import { openHttpConnection } from './http-connection.ts';
import { type HttpClient, type PlainClient, type Result, step } from './load.ts';
import { getRequest } from './requests.ts';
import { type Testbed, withTestbed } from './testbed.ts';

const people = 10;
/** Open pages, each with its own connection; each person has several releases open. */
const pages = 100;
/** The pause between two changes of all watched releases. */
const changeMs = 100;
const roundSeconds = 3;
const rounds = 3;
/** What a visible page sends in an hour. */
const pollsPerHour = 3_600_000 / VISIBLE_INTERVAL;
/** A well-formed tag of another answer. */
const olderTag = `W/"${'a'.repeat(43)}."`;
const method = 'PolicyService/GetReleaseRequirements';

interface Page {
  readonly reader: Voter;
  readonly releaseIntentId: string;
}

export const pagesOf = ({ voters }: ApprovalsWorld): Page[] =>
  Array.from({ length: pages }, (_, index) => {
    const reader = voters[index % people];
    const watched = voters[(index + Math.floor(index / people)) % people];
    if (reader === undefined || watched === undefined) throw new Error('Too few voters');
    return { reader, releaseIntentId: watched.releaseIntentId };
  });

export const pollOf = (
  url: string,
  world: ApprovalsWorld,
  { reader, releaseIntentId }: Page,
  etag: string | null,
) => getRequest(url, method, reader.token, { project: world.project, releaseIntentId }, etag);

/** Sends a poll until it is unchanged, and returns the headers of the 304. */
export async function headersOfUnchanged(
  url: string,
  world: ApprovalsWorld,
  page: Page,
): Promise<Record<string, string>> {
  const { hostname, port } = new URL(url);
  const connection = await openHttpConnection(hostname, Number(port));
  const etagIn = (head: string) => /\r\netag: (\S+)/i.exec(head)?.[1] ?? '';
  let answer = await connection.send(pollOf(url, world, page, null));
  // New releases may not have reached their gate yet.
  for (let tries = 0; answer.status !== 304 && tries < 20; tries++) {
    answer = await connection.send(pollOf(url, world, page, etagIn(answer.head)));
  }
  connection.end();
  if (answer.status !== 304) throw new Error(`Unchanged poll answered with status ${answer.status}`);
  const headers = answer.head
    .split('\r\n')
    .slice(1)
    .filter((text) => !/^(date|connection|keep-alive):/i.test(text));
  return Object.fromEntries(headers.map((text) => text.split(/: (.*)/s).slice(0, 2) as [string, string]));
}

async function withBareServer<T>(
  headers: Record<string, string>,
  work: (url: string) => Promise<T>,
): Promise<T> {
  const child = fork(new URL('./bare-server.ts', import.meta.url), [JSON.stringify(headers)]);
  try {
    const { port } = await new Promise<AddressInfo>((listening, failed) => {
      child.once('message', (address) => listening(address as AddressInfo));
      child.once('exit', () => failed(new Error('The bare server did not start')));
    });
    return await work(`http://127.0.0.1:${port}`);
  } finally {
    child.disconnect();
  }
}

/** The statements of a changed poll, one round trip each. */
const plainPoll = (
  { database }: Testbed,
  world: ApprovalsWorld,
  { reader, releaseIntentId }: Page,
): PlainClient => {
  const { organisation, project } = world.project;
  const hash = createHash('sha256').update(reader.token).digest();
  return {
    kind: 'plain',
    database,
    steps: [
      step(findPollAccess, [hash, '{now}', organisation, project, releaseIntentId]),
      step(findRequirements, [releaseIntentId, world.projectId]),
    ],
  };
};

/** Runs `work` while every watched release changes ten times a second: about as often as each page that shows it polls. */
async function whileChanging<T>(
  { database }: Testbed,
  open: readonly Page[],
  work: () => Promise<T>,
): Promise<T> {
  const client = new pg.Client(database);
  await client.connect();
  const ids = [...new Set(open.map(({ releaseIntentId }) => releaseIntentId))];
  const ended = new AbortController();
  const changes = async () => {
    while (!ended.signal.aborted) {
      await client.query(
        'update stages set reason = md5(random()::text) where release_intent_id = any($1::uuid[])',
        [ids],
      );
      await sleep(changeMs);
    }
  };
  const changing = changes();
  try {
    return await work();
  } finally {
    ended.abort();
    await changing;
    await client.end();
  }
}

/** The CPU time of the server and PostgreSQL for the unchanged polls of one page that is open for an hour. */
async function hourOfOnePage({ server, database }: Testbed, request: string): Promise<Figure> {
  const { hostname, port } = new URL(server.url);
  const client = new pg.Client(database);
  await client.connect();
  const connection = await openHttpConnection(hostname, Number(port));
  try {
    const cpuSeconds = await cpuMeter(server.pid, client);
    const before = cpuSeconds();
    for (let sent = 0; sent < pollsPerHour; sent++) {
      const { status } = await connection.send(request);
      if (status !== 304) throw new Error(`Unchanged poll answered with status ${status}`);
    }
    const name = `A page open for an hour, ${pollsPerHour} unchanged polls: CPU time of server and PostgreSQL`;
    return atMost(name, cpuSeconds() - before, 2, 's');
  } finally {
    connection.end();
    await client.end();
  }
}

const middle = (results: readonly Result[]) => median(results.map(({ rate }) => rate));

/**
 * `GetReleaseRequirements` as open pages poll it, each again as soon as it has the answer: unchanged, against a bare server that sends
 * the same bytes; and changed, while the releases change, against the same queries with plain `pg`. Also the CPU time that one page costs in an hour.
 */
export async function polls(): Promise<Figure[]> {
  return withTestbed(async (testbed) => {
    const { server, load, database } = testbed;
    const world = await makeWorld(server.url, server.setUpToken ?? '', database, people);
    const open = pagesOf(world);
    const presentHeaders = () => Promise.all(open.map((page) => headersOfUnchanged(server.url, world, page)));
    let headers = await presentHeaders();
    const client = (url: string, request: string, status: number): HttpClient => ({
      kind: 'http',
      url,
      request,
      status,
    });
    const unchanged = (url: string, etagAt: (index: number) => string) =>
      open.map((page, index) => client(url, pollOf(url, world, page, etagAt(index)), 304));
    const stale = open.map((page) => client(server.url, pollOf(server.url, world, page, olderTag), 200));
    const plain = open.slice(0, people).map((page) => plainPoll(testbed, world, page));
    const [same = {}] = headers;
    const ours: Result[] = [];
    const bare: Result[] = [];
    const changed: Result[] = [];
    const queries: Result[] = [];
    await withBareServer(same, async (bareUrl) => {
      for (let round = 0; round <= rounds; round++) {
        const run = (clients: readonly (HttpClient | PlainClient)[]) =>
          load.run({ seconds: roundSeconds, clients });
        headers = await presentHeaders();
        const bareResult = await run(unchanged(bareUrl, () => same['etag'] ?? ''));
        const ourResult = await run(unchanged(server.url, (index) => headers[index]?.['etag'] ?? ''));
        const changedResult = await whileChanging(testbed, open, () => run(stale));
        const plainResult = await whileChanging(testbed, open, () => run(plain));
        // The first round only warms up.
        if (round === 0) continue;
        bare.push(bareResult);
        ours.push(ourResult);
        changed.push(changedResult);
        queries.push(plainResult);
      }
    });
    const [page] = open;
    if (page === undefined) throw new Error('No page is open');
    const [present = {}] = await presentHeaders();
    const hour = await hourOfOnePage(testbed, pollOf(server.url, world, page, present['etag'] ?? ''));
    const ofBare = middle(ours) / middle(bare);
    const ofPlain = middle(changed) / middle(queries);
    return [
      {
        name: `GetReleaseRequirements, unchanged, ${pages} open pages of ${people} people`,
        measured: `${middle(ours).toFixed(0)}/s`,
        limit: `at least 0.08 of bare node:http's ${middle(bare).toFixed(0)}/s (it is ${ofBare.toFixed(2)})`,
        reached: ofBare >= 0.08,
      },
      {
        name: 'GetReleaseRequirements, changed',
        measured: `${middle(changed).toFixed(0)}/s`,
        limit: `at least 0.6 of plain pg's ${middle(queries).toFixed(0)}/s (it is ${ofPlain.toFixed(2)})`,
        reached: ofPlain >= 0.6,
      },
      hour,
    ];
  });
}
