import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { statement } from '#server/db/database.ts';
import { startEmbedded } from '#server/db/embedded/start-embedded.ts';
import { MIGRATIONS, migrate } from '#server/db/migrate.ts';
import { findNext, listWork } from '#server/features/deliveries/store.ts';
import {
  artifactFacts,
  findReleasePlace,
  intentFacts,
  intentsToEvaluate,
  liveSources,
  soonestCheck,
  waitingStages,
} from '#server/features/gate/store.ts';
import { type Api, apiAt, signedIn } from '../api.ts';
import { unpackEarlierRelease } from '../earlier-release.ts';
import { type ServerProcess, startServer } from '../server-process.ts';
import { atMost, type Figure } from './figure.ts';
import { destinations, fillPast, opening, waiting } from './migration-rows.ts';
import { type Plan, planOf } from './plans.ts';
import { withFolder } from './temporary.ts';
import { SETTINGS, urlOf } from './testbed.ts';
import { startVoting, type Target, type Votes } from './vote-load.ts';

const releases = Number(process.env['MIGRATION_RELEASES'] ?? 1_000_000);
const organisation = 'bench';
const password = 'correct horse battery staple';
const voters = 8;
/** How long the load runs before and after the migration. */
const AROUND_MS = 3_000;
/** Tables that grow with each release. A table that is read as a whole makes the gate slower each day. */
const growing = [
  'approval_decisions',
  'artifact_authors',
  'artifacts',
  'delivery_runs',
  'history',
  'live_periods',
  'release_intents',
  'releases',
  'stages',
];

const secondsSince = (began: number): string => ((performance.now() - began) / 1000).toFixed(1);

/** Sets up the organisation through the server of the release before, and its past with SQL. Returns APIs of the voters. */
async function fill(server: ServerProcess, client: pg.Client): Promise<Api[]> {
  const { url } = server;
  const founder = { username: 'founder', email: 'founder@example.com', password };
  await apiAt(url).sessions.setUp({ token: server.setUpToken ?? '', organisation, ...founder });
  const admin = await signedIn(url, 'founder', password);
  const type = { organisation: 'forage', name: 'noop', version: 1n };
  for (const [sortOrder, environment] of ['staging', 'production'].entries()) {
    await admin.environments.createEnvironment({ organisation, name: environment, sortOrder });
    for (let n = 0; n < destinations; n++)
      await admin.destinations.createDestination({
        organisation,
        environment,
        name: `${environment}-${n}`,
        type,
      });
  }
  const { organisations } = await admin.organisations.listMyOrganisations({});
  const organisationId = organisations[0]?.organisationId ?? '';
  const names = Array.from({ length: voters }, (_, n) => `reviewer-${n}`);
  for (const username of names) {
    const { user } = await apiAt(url).users.register({
      username,
      email: `${username}@example.com`,
      password,
    });
    await admin.organisations.addMember({ organisationId, userId: user?.userId ?? '', role: 'member' });
  }
  const { rows } = await client.query<{ id: string }>(`select id from users where username = 'founder'`);
  await fillPast(client, organisationId, rows[0]?.id ?? '', releases);
  return Promise.all(names.map((username) => signedIn(url, username, password)));
}

/** The waiting releases: those whose gates a vote opens, and the others. */
async function findTargets(client: pg.Client) {
  const { rows } = await client.query<Target>(`
    select i.id, p.name as project from release_intents i join projects p on p.id = i.project_id
     where i.status = 'ACTIVE' order by i.created_at`);
  return { opening: rows.slice(0, opening), waiting: rows.slice(opening, opening + waiting) };
}

/** Migrates while the server of the release before takes votes. Returns the duration in seconds. */
async function migrateUnderLoad(
  client: pg.Client,
  apis: readonly Api[],
): Promise<{ seconds: number; votes: Votes }> {
  const load = startVoting(apis, organisation, await findTargets(client));
  await sleep(AROUND_MS);
  const { tried, longest } = load.votes;
  console.log(
    `  Before the migration: ${tried} votes in ${AROUND_MS / 1000} s, the longest wait was ${longest.toFixed(2)} s`,
  );
  load.votes.longest = 0;
  const began = performance.now();
  let last = began;
  const log = {
    info(fields: object) {
      const { tried, failures, longest } = load.votes;
      const { migration } = fields as { migration?: string };
      console.log(
        `  ${migration}: ${secondsSince(last)} s (so far ${tried} votes, ${failures.length} failed, longest wait ${longest.toFixed(2)} s)`,
      );
      last = performance.now();
    },
    warn: console.warn,
    error: console.error,
  };
  await migrate(client, MIGRATIONS, log);
  const seconds = (performance.now() - began) / 1000;
  await sleep(AROUND_MS);
  await load.stop();
  for (const failure of new Set(load.votes.failures)) console.log(`  A vote failed: ${failure}`);
  return { seconds, votes: load.votes };
}

/** The plans of what the gate reads, for one waiting release. */
async function gatePlans(client: pg.Client): Promise<Plan[]> {
  const { rows } = await client.query<{
    intent: string;
    project: string;
    artifact: string;
    destination: string;
    release: string;
  }>(`
    select i.id as intent, i.project_id as project, i.artifact_id as artifact, r.destination_id as destination, r.id as release
      from release_intents i
      join lateral (select * from releases r where r.project_id = i.project_id limit 1) r on true
     where i.status = 'ACTIVE' limit 1`);
  const [one] = rows;
  if (one === undefined) throw new Error('no release waits');
  const states = statement<[project: string], unknown>(
    'place_states',
    'select * from place_states where project_id = $1',
  );
  const now = new Date();
  return [
    await planOf(client, intentFacts, [one.intent]),
    await planOf(client, states, [one.project]),
    await planOf(client, artifactFacts, [one.project, one.artifact]),
    await planOf(client, liveSources, [one.project]),
    await planOf(client, findReleasePlace, [one.release]),
    await planOf(client, findNext, [one.destination]),
    await planOf(client, listWork, [now, 100, one.intent]),
    await planOf(client, intentsToEvaluate, [now, 100]),
    await planOf(client, soonestCheck, [now]),
    await planOf(client, waitingStages, []),
  ];
}

/** Migrates a database with a million releases while the server of the release before takes votes, and looks at the gate's plans. */
export async function migration(): Promise<Figure[]> {
  return withFolder(async (folder) => {
    const noLog = { info() {}, warn() {}, error() {} };
    const embedded = await startEmbedded({ dataDir: folder, log: noLog, onLost() {} });
    const client = new pg.Client(embedded.connection);
    const ends: (() => Promise<void>)[] = [() => embedded.stop()];
    try {
      const server = await startServer(
        join(folder, 'server'),
        { ...SETTINGS, DATABASE_URL: urlOf(embedded.connection), FORAGE_REGISTRATION: 'open' },
        [process.execPath, 'server/main.ts'],
        { cwd: unpackEarlierRelease(folder) },
      );
      ends.push(() => server.stop());
      await client.connect();
      ends.push(() => client.end());
      const began = performance.now();
      const apis = await fill(server, client);
      console.log(`  Inserted ${releases} releases in ${secondsSince(began)} s`);
      const { seconds, votes } = await migrateUnderLoad(client, apis);
      const plans = await gatePlans(client);
      const whole = plans.flatMap(({ name, scanned }) =>
        scanned.filter((table) => growing.includes(table)).map((table) => `${name}: ${table}`),
      );
      for (const { name, milliseconds } of plans) console.log(`  ${name}: ${milliseconds.toFixed(1)} ms`);
      const size = `${releases.toLocaleString('en')} releases`;
      return [
        {
          name: `Migration of ${size} while the release before takes votes: duration`,
          measured: `${seconds.toFixed(0)} s`,
          limit: 'none',
          reached: true,
        },
        {
          name: `Migration of ${size}: failed votes`,
          measured: `${votes.failures.length} of ${votes.tried}`,
          limit: 'none',
          reached: votes.tried > 0 && votes.failures.length === 0,
        },
        atMost(`Migration of ${size}: longest wait of a vote`, votes.longest, 10, 's'),
        {
          name: `Migration of ${size}: growing tables that the gate then reads as a whole`,
          measured: whole.join(', ') || 'none',
          limit: 'none',
          reached: whole.length === 0,
        },
      ];
    } finally {
      for (const end of ends.reverse()) await end();
    }
  });
}
