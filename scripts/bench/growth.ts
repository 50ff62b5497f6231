import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { apiAt, signedIn } from '../api.ts';
import { cpuSeconds, parentOf } from './cpu-time.ts';
import { type Figure, median } from './figure.ts';
import { fillReleases, fillVotes, gateAll, intents, waitingIntents } from './growth-rows.ts';
import { openHttpLine } from './http-line.ts';
import { type Place, withPlace } from './place.ts';
import { getRequest, postRequest } from './requests.ts';

const sizes = [1_000, 100_000, 1_000_000] as const;
const asked = 150;
const warmUp = 60;
const idleSeconds = 20;
const password = 'correct horse battery staple';
const organisation = 'bench';

interface Target {
  readonly id: string;
  readonly project: string;
}

/** A server whose database has so many votes. */
interface Grown {
  readonly url: string;
  readonly token: string;
  readonly targets: readonly Target[];
}

/** Releases that wait and have one vote each. */
const waiting = `
  select i.id, p.name as project from release_intents i join projects p on p.id = i.project_id
   where i.status = 'ACTIVE' and p.name like 'grown-%' order by i.created_at limit $1`;

/** Fills a place with votes; the reviewer whose token is given has voted on nothing yet. */
async function grow({ server }: Place, client: pg.Client, size: number): Promise<Grown> {
  const began = performance.now();
  const { url } = server;
  const founder = { username: 'founder', email: 'founder@example.com', password };
  await apiAt(url).sessions.setUp({ token: server.setUpToken ?? '', organisation, ...founder });
  const admin = await signedIn(url, 'founder', password);
  const environments = ['dev', 'test', 'qa', 'staging', 'production'];
  const type = { organisation: 'forage', name: 'noop', version: 1n };
  for (const [sortOrder, environment] of environments.entries()) {
    await admin.environments.createEnvironment({ organisation, name: environment, sortOrder });
    const name = `${environment}-eu`;
    await admin.destinations.createDestination({ organisation, environment, name, type });
  }
  const { organisations } = await admin.organisations.listMyOrganisations({});
  const organisationId = organisations[0]?.organisationId ?? '';
  const reviewer = { username: 'reviewer', email: 'reviewer@example.com', password };
  const { user, tokens } = await apiAt(url).users.register(reviewer);
  await admin.organisations.addMember({ organisationId, userId: user?.userId ?? '', role: 'member' });
  const { rows } = await client.query<{ id: string }>(`select id from users where username = 'founder'`);
  await fillReleases(client, organisationId, rows[0]?.id ?? '');
  await fillVotes(client, organisationId, size);
  const { rows: targets } = await client.query<Target>(waiting, [asked + warmUp]);
  console.log(`  ${size} votes filled in ${((performance.now() - began) / 1000).toFixed(0)} s`);
  return { url, token: tokens?.accessToken ?? '', targets };
}

/** What is asked of each, about each of its targets. `nothing` asks the database for nothing. */
const questions = {
  vote: ({ url, token }: Grown, about: object) =>
    postRequest(url, 'PolicyService/ApproveRelease', token, {
      ...about,
      targetEnvironment: 'production',
      comment: 'I have looked at it.',
    }),
  requirements: ({ url, token }: Grown, about: object) =>
    getRequest(url, 'PolicyService/GetReleaseRequirements', token, about, null),
  'waiting list': ({ url, token }: Grown) =>
    getRequest(url, 'PolicyService/ListPendingApprovals', token, {}, null),
  nothing: ({ url, token }: Grown) => postRequest(url, 'StatusService/Status', token, {}),
};
type Name = keyof typeof questions;

/**
 * The middle latency of each size, in milliseconds, of requests sent one after another to all sizes in turn: whatever else
 * the machine does meets each of them alike. The first requests only warm up.
 */
async function measure(all: readonly Grown[], name: Name): Promise<readonly number[]> {
  const lines = await Promise.all(
    all.map(({ url }) => openHttpLine(new URL(url).hostname, Number(new URL(url).port))),
  );
  const took: number[][] = all.map(() => []);
  for (let turn = 0; turn < asked + warmUp; turn++) {
    for (const step of all.keys()) {
      // Another one goes first each time.
      const which = (turn + step) % all.length;
      const grown = all[which];
      if (grown === undefined) continue;
      const { id = '', project = '' } = grown.targets[turn] ?? {};
      const about = { project: { organisation, project }, releaseIntentId: id };
      const request = questions[name](grown, about);
      const sent = performance.now();
      const answer = await lines[which]?.send(request);
      if (answer?.status !== 200) throw new Error(`answered ${answer?.status}: ${answer?.text()}`);
      took[which]?.push(performance.now() - sent);
    }
  }
  for (const line of lines) line.end();
  return took.map((times) => median(times.slice(warmUp)));
}

const writes = `
  select pg_current_wal_lsn() - '0/0'::pg_lsn as wal, sum(n_tup_ins + n_tup_upd + n_tup_del) as rows
    from pg_stat_user_tables`;

/** 10,000 gated releases and nobody there. */
async function idle({ server }: Place, client: pg.Client): Promise<Figure[]> {
  const { rows: ids } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  const postmaster = parentOf(ids[0]?.pid ?? 0);
  const look = async () => {
    const { rows } = await client.query(writes);
    const cpu = cpuSeconds(server.pid) + cpuSeconds(postmaster);
    return { cpu, wal: Number(rows[0]?.wal), rows: Number(rows[0]?.rows) };
  };
  // What filled the tables is counted and cleaned up after by PostgreSQL in its own time.
  await sleep(5_000);
  await client.query('select pg_stat_force_next_flush()');
  await sleep(1_000);
  const before = await look();
  await sleep(idleSeconds * 1000);
  const after = await look();
  const share = ((after.cpu - before.cpu) / idleSeconds) * 100;
  const written = after.rows - before.rows;
  return [
    {
      name: `${intents} gated releases and no change: server and PostgreSQL over ${idleSeconds} s`,
      measured: `${share.toFixed(2)} % of a core`,
      limit: 'less than 1 %',
      reached: share < 1,
    },
    {
      name: `${intents} gated releases and no change: rows written (${after.wal - before.wal} bytes of WAL)`,
      measured: `${written}`,
      limit: 'none',
      reached: written === 0,
    },
  ];
}

const growthOf = async (all: readonly Grown[], name: Name): Promise<Figure> => {
  const found = await measure(all, name);
  const ratio = Math.max(...found) / Math.min(...found);
  return {
    name: `Growth of ${name}, at 1,000, 100,000 and 1,000,000 votes (median of ${asked}, one at a time)`,
    measured: `${found.map((one) => one.toFixed(2)).join(', ')} ms`,
    limit: `the largest at most 1.3 × the smallest (it is ${ratio.toFixed(2)})`,
    reached: ratio <= 1.3,
  };
};

/** Runs `work` with a server for each size; all are gone afterwards. */
async function withGrown<T>(
  [size, ...more]: readonly number[],
  work: (all: readonly Grown[], place: Place, client: pg.Client) => Promise<T>,
  before: readonly Grown[] = [],
): Promise<T> {
  return withPlace(async (place) => {
    const client = new pg.Client(place.database);
    await client.connect();
    try {
      const all = [...before, await grow(place, client, size ?? 0)];
      return await (more.length === 0 ? work(all, place, client) : withGrown(more, work, all));
    } finally {
      await client.end();
    }
  });
}

/**
 * What a vote, a release's page and the list of what waits cost as votes add up: 10,000 releases in 50 projects with 500
 * policies, 1,000 of which wait. Votes add up where they do in life, on releases that have ended; one that waits
 * has as many at each size (one), or its answer would be longer, and the list of what waits as well.
 */
export async function growth(): Promise<Figure[]> {
  return withGrown(sizes, async (all, place, client) => {
    const growths = [
      await growthOf(all, 'vote'),
      await growthOf(all, 'requirements'),
      await growthOf(all, 'waiting list'),
    ];
    const nothing = await measure(all, 'nothing');
    console.log(
      `  ${waitingIntents} of ${intents} releases wait, with one vote each; all other votes are on releases that have ended`,
    );
    console.log(`  what asks for nothing took ${nothing.map((one) => one.toFixed(2)).join(', ')} ms`);
    await gateAll(client);
    return [...growths, ...(await idle(place, client))];
  });
}
