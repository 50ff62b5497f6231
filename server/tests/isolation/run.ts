import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import pg from 'pg';
import { startServer } from '../../../scripts/server-process.ts';
import { person, type World, world } from '../world.ts';
import type { Order } from './attacker-process.ts';
import { type Attacker, type AttackName, ENVIRONMENTS } from './attacks.ts';
import { type Clients, clientsFrom, manyAddresses } from './clients.ts';
import { type Kind, liveFor, type Measured } from './neighbour.ts';

/** How much the attacking organisation has. The largest sizes are those that the limits allow. */
export interface Sizes {
  readonly wideDestinations: number;
  readonly hangingDestinations: number;
  readonly users: number;
  readonly logLines: number;
  readonly historyEntries: number;
}

export const LARGEST: Sizes = {
  wideDestinations: 1_000,
  hangingDestinations: 600,
  users: 5,
  logLines: 10_000,
  historyEntries: 300,
};

/** 99th percentiles before and during an attack, in milliseconds. */
interface Compared {
  readonly quiet: number;
  readonly p99: number;
}

/** The neighbour during one attack. */
export interface Row {
  readonly attack: string;
  readonly requests: number;
  /** Of all its requests, and of the kind whose percentile grew most. */
  readonly all: Compared;
  readonly worst: Compared & { readonly kind: Kind };
  readonly failures: readonly string[];
  /** By how much the server's process grew, at most and after the attack, in MB. */
  readonly grown: number;
  readonly kept: number;
}

export interface Options {
  readonly databaseUrl: string;
  readonly dataDir: string;
  /** For each measurement. */
  readonly seconds: number;
  /** After which a request of the neighbour has failed. */
  readonly timeoutMs: number;
  readonly sizes: Sizes;
  /** Each is run alone or several at once. */
  readonly attacks: readonly (readonly AttackName[])[];
  readonly log: (line: string) => void;
}

const LOWEST_PRIORITY = 19;
const NEIGHBOUR_ADDRESS = '192.0.2.10';
/** How long the server has to free what an attack held. */
const REST_MS = 5_000;

/** One organisation attacks a server while another works on it. The server has its default limits and runs in its own process. */
export async function runNeighbours(options: Options): Promise<{ rows: readonly Row[]; databaseMb: number }> {
  const { databaseUrl, dataDir, attacks, log } = options;
  const server = await startServer(
    dataDir,
    {
      DATABASE_URL: databaseUrl,
      FORAGE_REGISTRATION: 'open',
      TRUSTED_PROXIES: '127.0.0.1',
      WEBHOOK_ALLOW_PRIVATE: '1',
      SECRETS_KEY: Buffer.alloc(32, 1).toString('base64'),
    },
    // As `npm start` does.
    [process.execPath, '--max-semi-space-size=32', 'server/main.ts'],
  );
  const child = startAttacker();
  const db = new pg.Client({ connectionString: databaseUrl });
  try {
    const [{ hangingPort }] = await once(child, 'message');
    await db.connect();
    const clients = clientsFrom(server.url, () => NEIGHBOUR_ADDRESS);
    const neighbour = await neighbourWorld(clients);
    const attacker = await attackerOf(server.url, hangingPort, db, options.sizes);
    const sizeBefore = await databaseSize(db);
    const live = () => liveFor(options, neighbour, clients);
    await live();
    const rows: Row[] = [];
    for (const names of attacks) {
      const label = names.length > 2 ? 'all at once' : names.join(' and ');
      const quiet = await live();
      const before = await memoryOf(server.pid);
      const stop = watchMemory(server.pid);
      send(child, { begin: names, attacker });
      const attacked = await live();
      const peak = await stop();
      send(child, { end: true });
      await once(child, 'message');
      await sleep(REST_MS);
      const kept = (await memoryOf(server.pid)) - before;
      const row = { ...rowOf(label, quiet, attacked), grown: peak - before, kept };
      rows.push(row);
      log(lineOf(row));
    }
    return { rows, databaseMb: (await databaseSize(db)) - sizeBefore };
  } finally {
    child.disconnect();
    await db.end();
    await server.stop();
  }
}

const send = (child: ChildProcess, order: Order) => child.send(order);

/** The attacker's own work would be done on another machine; here it takes only what the server leaves of the processors. */
function startAttacker(): ChildProcess {
  // Linux shares processors among sessions first, so it has a session of its own. It ends with this process: its channel closes.
  const child = fork(new URL('./attacker-process.ts', import.meta.url), { detached: true });
  if (child.pid === undefined) return child;
  setPriority(child.pid, LOWEST_PRIORITY);
  const share = `/proc/${child.pid}/autogroup`;
  if (existsSync(share)) writeFileSync(share, String(LOWEST_PRIORITY));
  return child;
}

async function neighbourWorld(clients: Clients): Promise<World> {
  const w = await world(clients);
  await w.approvalPolicy(1);
  return w;
}

/** Makes the attacking organisation; what would take many requests is written to the database. */
async function attackerOf(url: string, hangingPort: number, db: pg.Client, sizes: Sizes): Promise<Attacker> {
  const clients = clientsFrom(url, manyAddresses);
  const w = await world(clients);
  const { organisation, organisationId, project, admin } = w;
  for (const name of Object.values(ENVIRONMENTS))
    await admin.environments.createEnvironment({ organisation, name });
  const tokens = [admin.token, w.author.token, w.reviewer.token, w.reviewerTwo.token];
  while (tokens.length < sizes.users) {
    const another = await person(clients, 'another');
    await w.addMember(another);
    tokens.push(another.token);
  }
  await w.destination('wide-0', ENVIRONMENTS.wide);
  // A secret is encrypted for its destination.
  const receiver = { url: `http://127.0.0.1:${hangingPort}/`, secret: 'whsec_'.padEnd(46, 'A') };
  const fewAtOnce = pLimit(8);
  await fewAtOnce.map(Array.from({ length: sizes.hangingDestinations }).keys(), (n) =>
    w.destination(`hanging-${n}`, ENVIRONMENTS.hanging, receiver, 'webhook'),
  );
  await copyDestination(db, organisationId, 'wide-0', sizes.wideDestinations);
  const loudReleaseId = await w.releaseNew(['staging']);
  const logged = await eventuallyDelivered(db, loudReleaseId);
  await db.query(
    `insert into release_logs (release_id, at, channel, line)
     select $1, now(), 'stdout', repeat('x', 4000) from generate_series(1, $2::int)`,
    [logged, sizes.logLines],
  );
  for (let n = 0; n < sizes.historyEntries; n++)
    await admin.releases.updateProject({ ...project, readme: `${n}${'x'.repeat(50_000)}` });
  return { url, organisation, project, tokens, loudReleaseId, hangingPort };
}

const copyDestination = (db: pg.Client, organisationId: string, name: string, count: number) =>
  db.query(
    `insert into destinations (id, organisation_id, environment_id, name, type_organisation, type_name, type_version,
                               metadata, created_at)
     select gen_random_uuid(), organisation_id, environment_id, name || '-' || n, type_organisation, type_name, type_version,
            metadata, created_at
       from destinations, generate_series(2, $3::int) n where organisation_id = $1 and name = $2`,
    [organisationId, name, count],
  );

async function eventuallyDelivered(db: pg.Client, releaseIntentId: string): Promise<string> {
  for (;;) {
    const { rows } = await db.query(
      `select id from releases where release_intent_id = $1 and status = 'SUCCEEDED'`,
      [releaseIntentId],
    );
    if (rows.length > 0) return rows[0].id;
    await sleep(50);
  }
}

async function databaseSize(db: pg.Client): Promise<number> {
  const { rows } = await db.query('select pg_database_size(current_database())::float8 / 1048576 as mb');
  return rows[0].mb;
}

/** The resident memory of a process, in MB. */
async function memoryOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
}

/** Samples a process's memory; the result stops it and returns the largest sample. */
function watchMemory(pid: number): () => Promise<number> {
  let most = 0;
  const sample = async () => {
    most = Math.max(most, await memoryOf(pid));
  };
  const timer = setInterval(() => void sample(), 200);
  return async () => {
    clearInterval(timer);
    await sample();
    return most;
  };
}

export function percentile(times: readonly number[], share: number): number {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function compare(quiet: readonly number[], attacked: readonly number[]): Compared {
  return { quiet: percentile(quiet, 0.99), p99: percentile(attacked, 0.99) };
}

const ratioOf = ({ quiet, p99 }: Compared): number => p99 / quiet;

function rowOf(attack: string, quiet: Measured, attacked: Measured) {
  const [worst = { kind: 'poll' as const, quiet: 0, p99: 0 }] = (Object.keys(quiet.times) as Kind[])
    .map((kind) => ({ kind, ...compare(quiet.times[kind], attacked.times[kind]) }))
    .toSorted((a, b) => ratioOf(b) - ratioOf(a));
  const during = Object.values(attacked.times).flat();
  const all = compare(Object.values(quiet.times).flat(), during);
  return { attack, requests: during.length, all, worst, failures: [...quiet.failures, ...attacked.failures] };
}

const cellsOf = (compared: Compared): string[] => [
  `${compared.quiet.toFixed(0)} ms`,
  `${compared.p99.toFixed(0)} ms`,
  ratioOf(compared).toFixed(1),
];

export const TABLE_HEAD = lineOf(null);

/** A line of the table; null for its head. */
export function lineOf(row: Row | null): string {
  const cells =
    row === null
      ? [
          'attack',
          'requests',
          'quiet p99',
          'p99',
          'ratio',
          'worst',
          'quiet p99',
          'p99',
          'ratio',
          'failed',
          'memory',
          'kept',
        ]
      : [
          row.attack,
          String(row.requests),
          ...cellsOf(row.all),
          row.worst.kind,
          ...cellsOf(row.worst),
          String(row.failures.length),
          `${row.grown.toFixed(0)} MB`,
          `${row.kept.toFixed(0)} MB`,
        ];
  return cells.map((cell, n) => (n === 0 ? cell.padEnd(34) : cell.padStart(10))).join('');
}
