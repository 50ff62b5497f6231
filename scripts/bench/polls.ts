import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { requirementsOf, standings } from '#server/features/approvals/requirements-store.ts';
import { type ApprovalsWorld, makeWorld, type Voter } from './approvals-world.ts';
import { type Figure, median } from './figure.ts';
import { openHttpLine } from './http-line.ts';
import { type HttpLane, type PlainLane, type Result, step } from './load.ts';
import { type Place, withPlace } from './place.ts';
import { getRequest } from './requests.ts';

const people = 10;
/** Open pages, each on a connection of its own: everybody watches several releases. */
const pages = 100;
const roundSeconds = 3;
const rounds = 3;
const method = 'PolicyService/GetReleaseRequirements';

interface Page {
  readonly reader: Voter;
  readonly releaseIntentId: string;
}

export const pagesOf = ({ voters }: ApprovalsWorld): Page[] =>
  Array.from({ length: pages }, (_, index) => {
    const reader = voters[index % people];
    const watched = voters[(index + Math.floor(index / people)) % people];
    if (reader === undefined || watched === undefined) throw new Error('there are too few voters');
    return { reader, releaseIntentId: watched.releaseIntentId };
  });

export const pollOf = (
  url: string,
  world: ApprovalsWorld,
  { reader, releaseIntentId }: Page,
  etag: string | null,
) => getRequest(url, method, reader.token, { project: world.project, releaseIntentId }, etag);

/** Asks once, and gives the headers that come with the tag of the answer when it is asked for again. */
export async function tagOf(url: string, world: ApprovalsWorld, page: Page): Promise<Record<string, string>> {
  const { hostname, port } = new URL(url);
  const line = await openHttpLine(hostname, Number(port));
  const etagIn = (head: string) => /\r\netag: (\S+)/i.exec(head)?.[1] ?? '';
  let again = await line.send(pollOf(url, world, page, null));
  // The releases that have just been made may still be on their way to where they wait.
  for (let tries = 0; again.status !== 304 && tries < 20; tries++) {
    again = await line.send(pollOf(url, world, page, etagIn(again.head)));
  }
  line.end();
  if (again.status !== 304) throw new Error(`an unchanged poll was answered ${again.status}`);
  const own = again.head
    .split('\r\n')
    .slice(1)
    .filter((text) => !/^(date|connection|keep-alive):/i.test(text));
  return Object.fromEntries(own.map((text) => text.split(/: (.*)/s).slice(0, 2) as [string, string]));
}

async function withBareServer<T>(
  headers: Record<string, string>,
  work: (url: string) => Promise<T>,
): Promise<T> {
  const child = fork(new URL('./bare-server.ts', import.meta.url), [JSON.stringify(headers)]);
  try {
    const { port } = await new Promise<AddressInfo>((listening, failed) => {
      child.once('message', (address) => listening(address as AddressInfo));
      child.once('exit', () => failed(new Error('the bare server did not start')));
    });
    return await work(`http://127.0.0.1:${port}`);
  } finally {
    child.disconnect();
  }
}

/** The statements of a poll that finds something new, each in its round trip. */
const plainPoll = (
  { database }: Place,
  world: ApprovalsWorld,
  { reader, releaseIntentId }: Page,
): PlainLane => {
  const { organisation, project } = world.project;
  const hash = createHash('sha256').update(reader.token).digest();
  return {
    kind: 'plain',
    database,
    steps: [
      step(standings, [[hash], [organisation], [project], [releaseIntentId], '{now}', null]),
      step(requirementsOf, [releaseIntentId, world.projectId]),
    ],
  };
};

const middle = (results: readonly Result[]) => median(results.map(({ rate }) => rate));

/**
 * `GetReleaseRequirements` as open pages poll it, each as soon as the last answer is there: when nothing is new, beside a
 * bare server that answers the same bytes and asks nobody; and when everything is, beside the same queries.
 */
export async function polls(): Promise<Figure[]> {
  return withPlace(async (place) => {
    const { server, load, database } = place;
    const world = await makeWorld(server.url, server.setUpToken ?? '', database, people);
    const open = pagesOf(world);
    const headers = await Promise.all(open.map((page) => tagOf(server.url, world, page)));
    const lane = (url: string, request: string, status: number): HttpLane => ({
      kind: 'http',
      url,
      request,
      status,
    });
    const unchanged = (url: string, one: (index: number) => string) =>
      open.map((page, index) => lane(url, pollOf(url, world, page, one(index)), 304));
    const stale = open.map((page) =>
      lane(server.url, pollOf(server.url, world, page, '"an older one"'), 200),
    );
    const plain = open.slice(0, people).map((page) => plainPoll(place, world, page));
    const [same = {}] = headers;
    const ours: Result[] = [];
    const bare: Result[] = [];
    const news: Result[] = [];
    const queries: Result[] = [];
    await withBareServer(same, async (bareUrl) => {
      for (let round = 0; round <= rounds; round++) {
        const run = (lanes: readonly (HttpLane | PlainLane)[]) => load.run({ seconds: roundSeconds, lanes });
        const bareResult = await run(unchanged(bareUrl, () => same['etag'] ?? ''));
        const ourResult = await run(unchanged(server.url, (index) => headers[index]?.['etag'] ?? ''));
        const newsResult = await run(stale);
        const plainResult = await run(plain);
        // The first round warms all of them up.
        if (round === 0) continue;
        bare.push(bareResult);
        ours.push(ourResult);
        news.push(newsResult);
        queries.push(plainResult);
      }
    });
    const ofBare = middle(ours) / middle(bare);
    const ofPlain = middle(news) / middle(queries);
    return [
      {
        name: `GetReleaseRequirements, unchanged, ${pages} open pages of ${people} people`,
        measured: `${middle(ours).toFixed(0)}/s`,
        limit: `at least 0.25 of bare node:http's ${middle(bare).toFixed(0)}/s (it is ${ofBare.toFixed(2)})`,
        reached: ofBare >= 0.25,
      },
      {
        name: 'GetReleaseRequirements, changed',
        measured: `${middle(news).toFixed(0)}/s`,
        limit: `at least 0.3 of plain pg's ${middle(queries).toFixed(0)}/s (it is ${ofPlain.toFixed(2)})`,
        reached: ofPlain >= 0.3,
      },
    ];
  });
}
