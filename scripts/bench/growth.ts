import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { apiAt, signedIn } from '../api.ts';
import { cpuMeter } from './cpu-time.ts';
import type { Figure } from './figure.ts';
import { fillReleases, fillVotes, gateAll, intents, waitingIntents } from './growth-rows.ts';
import { growthFigure, latencies } from './latency.ts';
import { getRequest, postRequest } from './requests.ts';
import { type Testbed, withTestbed } from './testbed.ts';

const sizes = [1_000, 100_000, 1_000_000] as const;
const requests = 150;
const warmUp = 60;
const idleSeconds = 20;
const password = 'correct horse battery staple';
const organisation = 'bench';

interface Target {
  readonly id: string;
  readonly project: string;
}

/** A server with a given number of votes in its database. */
interface FilledServer {
  readonly url: string;
  readonly token: string;
  readonly targets: readonly Target[];
}

/** Waiting releases with one vote each. */
const waiting = `
  select i.id, p.name as project from release_intents i join projects p on p.id = i.project_id
   where i.status = 'ACTIVE' and p.name like 'grown-%' order by i.created_at limit $1`;

/** Fills a server with votes. The returned token belongs to a reviewer who has not voted yet. */
async function fill({ server }: Testbed, client: pg.Client, size: number): Promise<FilledServer> {
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
  const { rows: targets } = await client.query<Target>(waiting, [requests + warmUp]);
  console.log(`  Inserted ${size} votes in ${((performance.now() - began) / 1000).toFixed(0)} s`);
  return { url, token: tokens?.accessToken ?? '', targets };
}

/** The measured requests; `about` names the target. `no database` reads nothing from the database. */
const measured = {
  vote: ({ url, token }: FilledServer, about: object) =>
    postRequest(url, 'PolicyService/ApproveRelease', token, {
      ...about,
      targetEnvironment: 'production',
      comment: 'Reviewed and tested.',
    }),
  requirements: ({ url, token }: FilledServer, about: object) =>
    getRequest(url, 'PolicyService/GetReleaseRequirements', token, about, null),
  'waiting list': ({ url, token }: FilledServer) =>
    getRequest(url, 'PolicyService/ListPendingApprovals', token, {}, null),
  'no database': ({ url, token }: FilledServer) => postRequest(url, 'StatusService/Status', token, {}),
};
type Name = keyof typeof measured;

const measure = (all: readonly FilledServer[], name: Name): Promise<readonly number[]> =>
  latencies(all, { requests, warmUp }, (filled, turn) => {
    const { id = '', project = '' } = filled.targets[turn] ?? {};
    return measured[name](filled, { project: { organisation, project }, releaseIntentId: id });
  });

const writes = `
  select pg_current_wal_lsn() - '0/0'::pg_lsn as wal, sum(n_tup_ins + n_tup_upd + n_tup_del) as rows
    from pg_stat_user_tables`;

/** The cost of 10,000 gated releases without any request. */
async function idle({ server }: Testbed, client: pg.Client): Promise<Figure[]> {
  const cpuSeconds = await cpuMeter(server.pid, client);
  const read = async () => {
    const { rows } = await client.query(writes);
    return { cpu: cpuSeconds(), wal: Number(rows[0]?.wal), rows: Number(rows[0]?.rows) };
  };
  // PostgreSQL updates its statistics and vacuums after the inserts with a delay.
  await sleep(5_000);
  await client.query('select pg_stat_force_next_flush()');
  await sleep(1_000);
  const before = await read();
  await sleep(idleSeconds * 1000);
  const after = await read();
  const share = ((after.cpu - before.cpu) / idleSeconds) * 100;
  const written = after.rows - before.rows;
  return [
    {
      name: `${intents} gated releases and no change: server and PostgreSQL over ${idleSeconds} s`,
      measured: `${share.toFixed(2)} % of a core`,
      limit: 'at most 1 %',
      reached: share <= 1,
    },
    {
      name: `${intents} gated releases and no change: rows written (${after.wal - before.wal} bytes of WAL)`,
      measured: `${written}`,
      limit: 'none',
      reached: written === 0,
    },
  ];
}

const growthOf = async (all: readonly FilledServer[], name: Name): Promise<Figure> =>
  growthFigure(
    `Growth of ${name}, at 1,000, 100,000 and 1,000,000 votes (median of ${requests}, one at a time)`,
    await measure(all, name),
  );

/** Runs `work` with a server for each size, and removes them afterwards. */
async function withFilledServers<T>(
  [size, ...more]: readonly number[],
  work: (all: readonly FilledServer[], testbed: Testbed, client: pg.Client) => Promise<T>,
  before: readonly FilledServer[] = [],
): Promise<T> {
  return withTestbed(async (testbed) => {
    const client = new pg.Client(testbed.database);
    await client.connect();
    try {
      const all = [...before, await fill(testbed, client, size ?? 0)];
      return await (more.length === 0 ? work(all, testbed, client) : withFilledServers(more, work, all));
    } finally {
      await client.end();
    }
  });
}

/**
 * The cost of a vote, a release's requirements and the waiting list as the number of votes grows, with 10,000 releases (1,000 waiting)
 * in 50 projects with 500 policies. The votes are on ended releases; a waiting one has one vote at each size, so that all answers have
 * the same length.
 */
export async function growth(): Promise<Figure[]> {
  return withFilledServers(sizes, async (all, testbed, client) => {
    const growths = [
      await growthOf(all, 'vote'),
      await growthOf(all, 'requirements'),
      await growthOf(all, 'waiting list'),
    ];
    const withoutDatabase = await measure(all, 'no database');
    console.log(
      `  ${waitingIntents} of ${intents} releases wait, with one vote each; all other votes are on ended releases`,
    );
    console.log(
      `  A request without the database took ${withoutDatabase.map((one) => one.toFixed(2)).join(', ')} ms`,
    );
    await gateAll(client);
    return [...growths, ...(await idle(testbed, client))];
  });
}
