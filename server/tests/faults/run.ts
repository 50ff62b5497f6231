import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startNats } from '../../../scripts/nats-process.ts';
import { checkChains } from './check-chains.ts';
import { checkActions, checkVotes } from './check-ledger.ts';
import { checkAnswers, checkDeliveries, checkLogs } from './check-outside.ts';
import { checkPlaces } from './check-places.ts';
import { checkStages } from './check-stages.ts';
import { startCluster } from './cluster.ts';
import { createFaultWorld } from './fault-world.ts';
import { type FaultTargets, type InjectedFault, startFaults } from './inject.ts';
import type { Ledger } from './ledger.ts';
import { startLoad } from './load.ts';
import { startFaultReceiver } from './receiver.ts';
import { readRecord, watchChanges } from './record.ts';
import { replay } from './replay.ts';
import { makeServers } from './server-slots.ts';
import { idle, settled } from './settle.ts';

export interface FaultRun {
  readonly seed: number;
  /** How long to inject faults, in seconds; each kind is injected at least once. */
  readonly seconds: number;
  /** The time limit for all work to settle after the last fault, in seconds. */
  readonly settleWithin: number;
  /** Whether to fill the disk, if a file system can be mounted. */
  readonly fullDisk: boolean;
  readonly log: (line: string) => void;
}

export interface FaultReport {
  readonly violations: readonly string[];
  readonly operations: number;
  readonly faults: readonly InjectedFault[];
  readonly settledAfter: number;
}

const SERVERS = 3;
/** The size of the file system that is filled, ten times the size of the database. */
const DISK = '700m';
/** Longer than any soak or wait time of the load, with the work that follows it, in seconds. */
const IDLE_SECONDS = 30;
const run = promisify(execFile);

/** Mounts a small file system at the folder. Returns why it could not; null if it could. */
async function mountDisk(folder: string): Promise<string | null> {
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${DISK},mode=0755`, 'tmpfs', folder]);
    return null;
  } catch (error) {
    return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
  }
}

/**
 * Injects faults into three servers, PostgreSQL, NATS and a webhook receiver under a load that the seed determines, then checks
 * every promise. Reports its progress with `log`, and returns the violations.
 */
export async function runFaults(options: FaultRun): Promise<FaultReport> {
  const { seed, log } = options;
  const folder = await mkdtemp(join(tmpdir(), 'forage-faults-'));
  const disk = join(folder, 'disk');
  await mkdir(disk);
  const ends: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  try {
    const whyNoDisk = options.fullDisk ? await mountDisk(disk) : 'not requested';
    if (whyNoDisk === null) ends.push(() => run('umount', ['-l', disk]));
    else log(`NOT INJECTED: a full disk (${whyNoDisk})`);
    const cluster = await startCluster(disk);
    ends.push(() => cluster.stop());
    const nats = await startNats();
    const servers = await makeServers(SERVERS, {
      DATABASE_URL: cluster.url,
      NATS_URL: nats.url,
      DATA_DIR: join(folder, 'servers'),
      STATIC_DIR: join(folder, 'none'),
      DATABASE_POOL_SIZE: '12',
      FORAGE_REGISTRATION: 'open',
      WEBHOOK_ALLOW_PRIVATE: '1',
      SECRETS_KEY: Buffer.alloc(32, 1).toString('base64'),
      RATE_LIMIT_PER_MINUTE: '0',
      LOG_LEVEL: 'info',
    });
    ends.push(() => Promise.all(servers.slots.map((server) => server.kill())));
    const receiver = await startFaultReceiver(seed, servers.slots);
    ends.push(() => receiver.close());
    const targets: FaultTargets = {
      ...{ cluster, servers: servers.slots, receiver, nats },
      canFillDisk: whyNoDisk === null,
    };
    ends.push(() => targets.nats.stop());

    const [first, ...others] = servers.slots;
    if (first === undefined) throw new Error('No server');
    await first.start();
    const observer = await cluster.connect();
    await watchChanges(observer);
    const world = await createFaultWorld(first, receiver.url);
    const { rows } = await observer.query<{ id: number }>('select max(id)::float8 as id from history');
    const setUpUntil = rows[0]?.id ?? 0;
    await observer.end();
    await Promise.all(others.map((server) => server.start()));
    log(`seed ${seed}: three servers are running; starting the load and the faults`);

    const began = Date.now();
    const load = startLoad(seed, world, servers.slots, receiver);
    const faults = startFaults(seed, targets);
    await Promise.all([sleep(options.seconds * 1_000), faults.allInjected]);
    await faults.stop();
    // The last fault, under load: one server and NATS are killed and not restarted, so that neither startup nor signals help.
    await Promise.all([first.kill(), targets.nats.kill()]);
    const faultsEnded = Date.now();
    await load.stop();
    const client = await cluster.connect();
    ends.push(() => client.end());
    const remaining = await settled(client, Math.max(30, options.settleWithin * 2));
    const settledAfter = (Date.now() - faultsEnded) / 1_000;
    await receiver.idle();
    const end = await idle(client, IDLE_SECONDS);
    const record = await readRecord(client);
    const replayed = replay(record);

    const late =
      remaining.left.length > 0 || settledAfter > options.settleWithin
        ? [
            `not settled within ${options.settleWithin} s: ${settledAfter.toFixed(1)} s${listed(remaining.left)}`,
          ]
        : [];
    const violations = [
      ...faults.failures.map((failure) => `a fault did not go as planned: ${failure}`),
      ...late,
      ...(end.left.length > 0 ? [`not idle after ${IDLE_SECONDS} s:${listed(end.left)}`] : []),
      ...replayed.violations,
      ...(await checkChains(client)),
      ...checkVotes(record, replayed, load.ledger),
      ...checkActions(record, replayed, load.ledger, setUpUntil),
      ...checkStages(record, replayed),
      ...checkDeliveries(record, receiver),
      ...checkPlaces(record, replayed, receiver, load.ledger),
      ...checkLogs(servers.errors, servers.crashes),
      ...checkAnswers(load.ledger),
    ];
    log(`ran ${((faultsEnded - began) / 60_000).toFixed(1)} minutes with seed ${seed}`);
    for (const line of operationLines(load.ledger)) log(line);
    for (const line of faultLines(faults.injected, began)) log(line);
    const done = [...receiver.counts].sort().map(([what, times]) => `${what} ${times}`);
    log(`receiver: ${receiver.received.size} deliveries by key; ${done.join(', ')}`);
    const statuses = tally(record.intents.map(({ status }) => status));
    const { counts } = replayed;
    log(
      `releases: ${statuses}; ${counts.gatesOpened} gates opened, ${counts.starts} deployments started, each replayed`,
    );
    log(
      `of these ${counts.olderStarts} of an older build than the live one, ${counts.rollbacks} rollbacks; ${counts.superseded} stages superseded, ${counts.retries} retried, ${counts.lateReports} late reports, ${counts.settlements} places settled`,
    );
    log(`history: ${record.history.length} entries; PostgreSQL crashed ${cluster.crashCount()} times`);
    const deadlocks = (await cluster.logLines('deadlock detected')).length;
    log(
      `deadlocks that PostgreSQL resolved: ${deadlocks}; logged warnings and errors: ${counted(servers.counts)}`,
    );
    log(`settled ${settledAfter.toFixed(1)} s after the last fault, without one server and NATS`);
    for (const violation of violations) log(`VIOLATION ${violation}`);
    log(violations.length === 0 ? 'no violation' : `${violations.length} violations, seed ${seed}`);
    const { operations } = load.ledger;
    return { violations, operations: operations.length, faults: faults.injected, settledAfter };
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

const listed = (left: readonly string[]): string => left.map((one) => `\n    ${one}`).join('');
const tally = (values: readonly string[]): string =>
  [...Map.groupBy(values, (value) => value)].map(([value, all]) => `${value} ${all.length}`).join(', ');
const counted = (counts: ReadonlyMap<string, number>): string =>
  [...counts].map(([what, times]) => `${what} (${times})`).join('; ') || 'none';

function operationLines({ operations }: Ledger): string[] {
  const kinds = [...Map.groupBy(operations, ({ kind }) => kind)].sort(([a], [b]) => a.localeCompare(b));
  return kinds.map(([kind, all]) => `  ${kind}: ${all.length} (${tally(all.map(({ code }) => code))})`);
}

function faultLines(injected: readonly InjectedFault[], began: number): string[] {
  const seconds = (at: number) => ((at - began) / 1_000).toFixed(1);
  return [...Map.groupBy(injected, ({ kind }) => kind)].map(([kind, all]) => {
    const times = all.map(
      (one) => `${seconds(one.began)}–${seconds(one.ended)}${one.what && ` ${one.what}`}`,
    );
    return `  ${kind}: ${all.length} (${times.join(', ')})`;
  });
}
