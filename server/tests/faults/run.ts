import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startNats } from '../../../scripts/nats-process.ts';
import { checkChains } from './check-chains.ts';
import { checkDeeds, checkVotes } from './check-ledger.ts';
import { checkAnswers, checkDeliveries, checkLogs } from './check-outside.ts';
import { checkStages } from './check-stages.ts';
import { startCluster } from './cluster.ts';
import { type HappenedFault, type Stage, startLanes } from './lanes.ts';
import type { Ledger } from './ledger.ts';
import { startLoad } from './load.ts';
import { buildPlace } from './place.ts';
import { startFaultReceiver } from './receiver.ts';
import { readRecord, watchReleases } from './record.ts';
import { replay } from './replay.ts';
import { makeServers } from './server-slots.ts';
import { quiet, settled } from './settle.ts';

export interface FaultRun {
  readonly seed: number;
  /** How long faults go on, in seconds; every fault happens at least once in any case. */
  readonly seconds: number;
  /** How long everything may take to settle after the last fault, in seconds. */
  readonly settleWithin: number;
  /** Whether to try a full disk, where a file system of the test's own can be mounted. */
  readonly fullDisk: boolean;
  readonly say: (line: string) => void;
}

export interface FaultReport {
  readonly violations: readonly string[];
  readonly operations: number;
  readonly faults: readonly HappenedFault[];
  readonly settledAfter: number;
}

const SERVERS = 3;
/** Room of the file system that is filled: the cluster takes a tenth of it. */
const DISK = '700m';
/** The longest that a soak or a wait of the load lasts, and what it sets off, in seconds. */
const QUIET_SECONDS = 30;
const run = promisify(execFile);

/** Mounts a small file system at the folder; says why not where it cannot. */
async function mountDisk(folder: string): Promise<string | null> {
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${DISK},mode=0755`, 'tmpfs', folder]);
    return null;
  } catch (error) {
    return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
  }
}

/**
 * Lets three servers, PostgreSQL, NATS and a webhook receiver fail under a load that the seed decides, then looks whether
 * every promise was kept. Says on the way what it does; the answer is what was broken.
 */
export async function runFaults(options: FaultRun): Promise<FaultReport> {
  const { seed, say } = options;
  const folder = await mkdtemp(join(tmpdir(), 'forage-faults-'));
  const disk = join(folder, 'disk');
  await mkdir(disk);
  const ends: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  try {
    const noDisk = options.fullDisk ? await mountDisk(disk) : 'not asked for';
    if (noDisk === null) ends.push(() => run('umount', ['-l', disk]));
    else say(`NOT TRIED: a full disk (${noDisk})`);
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
      // The receiver is on this machine.
      WEBHOOK_ALLOW_PRIVATE: '1',
      SECRETS_KEY: Buffer.alloc(32, 1).toString('base64'),
      // The load comes from few people.
      RATE_LIMIT_PER_MINUTE: '0',
      LOG_LEVEL: 'info',
    });
    ends.push(() => Promise.all(servers.slots.map((server) => server.kill())));
    const receiver = await startFaultReceiver(seed, servers.slots);
    ends.push(() => receiver.close());
    const stage: Stage = { cluster, servers: servers.slots, receiver, nats, diskMayFill: noDisk === null };
    ends.push(() => stage.nats.stop());

    const [first, ...others] = servers.slots;
    if (first === undefined) throw new Error('there is no server');
    await first.start();
    const observer = await cluster.look();
    await watchReleases(observer);
    const place = await buildPlace(first, receiver.url);
    const { rows } = await observer.query<{ id: number }>('select max(id)::float8 as id from history');
    const setUpUntil = rows[0]?.id ?? 0;
    await observer.end();
    await Promise.all(others.map((server) => server.start()));
    say(`seed ${seed}: three servers are up; the load and the faults begin`);

    const began = Date.now();
    const load = startLoad(seed, place, servers.slots);
    const lanes = startLanes(seed, stage);
    await Promise.all([sleep(options.seconds * 1_000), lanes.allOnce]);
    await lanes.stop();
    // The last blow, under load: a server and NATS that do not come back, so that nobody's start or signal helps.
    await Promise.all([first.kill(), stage.nats.kill()]);
    const calm = Date.now();
    await load.stop();
    const client = await cluster.look();
    ends.push(() => client.end());
    const rest = await settled(client, Math.max(30, options.settleWithin * 2));
    const settledAfter = (Date.now() - calm) / 1_000;
    await receiver.idle();
    const end = await quiet(client, QUIET_SECONDS);
    const record = await readRecord(client);
    const replayed = replay(record);

    const late =
      rest.left.length > 0 || settledAfter > options.settleWithin
        ? [`not settled within ${options.settleWithin} s: ${settledAfter.toFixed(1)} s${listed(rest.left)}`]
        : [];
    const violations = [
      ...lanes.failures.map((failure) => `a fault went otherwise than planned: ${failure}`),
      ...late,
      ...(end.left.length > 0 ? [`not quiet after ${QUIET_SECONDS} s:${listed(end.left)}`] : []),
      ...replayed.violations,
      ...(await checkChains(client)),
      ...checkVotes(record, replayed, load.ledger),
      ...checkDeeds(record, replayed, load.ledger, setUpUntil),
      ...checkStages(record, replayed),
      ...checkDeliveries(record, receiver),
      ...checkLogs(servers.errors, servers.crashes),
      ...checkAnswers(load.ledger),
    ];
    say(`ran ${((calm - began) / 60_000).toFixed(1)} minutes with seed ${seed}`);
    for (const line of operationLines(load.ledger)) say(line);
    for (const line of faultLines(lanes.happened, began)) say(line);
    const done = [...receiver.counts].sort().map(([what, times]) => `${what} ${times}`);
    say(`receiver: ${receiver.taken.size} deliveries by key; ${done.join(', ')}`);
    const statuses = tally(record.intents.map(({ status }) => status));
    say(
      `releases: ${statuses}; ${replayed.gatesOpened} gates opened, ${replayed.starts} deployments started, each replayed`,
    );
    say(`history: ${record.history.length} entries; PostgreSQL ended by itself ${cluster.ownEnds()} times`);
    const deadlocks = (await cluster.logLines('deadlock detected')).length;
    say(
      `deadlocks that PostgreSQL broke: ${deadlocks}; log lines of warnings and errors: ${counted(servers.counts)}`,
    );
    say(`settled ${settledAfter.toFixed(1)} s after the last fault: one server and NATS gone for good`);
    for (const violation of violations) say(`VIOLATION ${violation}`);
    say(violations.length === 0 ? 'no violation' : `${violations.length} violations, seed ${seed}`);
    const { operations } = load.ledger;
    return { violations, operations: operations.length, faults: lanes.happened, settledAfter };
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

const listed = (left: readonly string[]): string => left.map((one) => `\n    ${one}`).join('');
const tally = (words: readonly string[]): string =>
  [...Map.groupBy(words, (word) => word)].map(([word, all]) => `${word} ${all.length}`).join(', ');
const counted = (counts: ReadonlyMap<string, number>): string =>
  [...counts].map(([what, times]) => `${what} (${times})`).join('; ') || 'none';

function operationLines({ operations }: Ledger): string[] {
  const kinds = [...Map.groupBy(operations, ({ kind }) => kind)].sort(([a], [b]) => a.localeCompare(b));
  return kinds.map(([kind, all]) => `  ${kind}: ${all.length} (${tally(all.map(({ code }) => code))})`);
}

function faultLines(happened: readonly HappenedFault[], began: number): string[] {
  const seconds = (at: number) => ((at - began) / 1_000).toFixed(1);
  return [...Map.groupBy(happened, ({ kind }) => kind)].map(([kind, all]) => {
    const times = all.map(
      (one) => `${seconds(one.began)}–${seconds(one.ended)}${one.what && ` ${one.what}`}`,
    );
    return `  ${kind}: ${all.length} (${times.join(', ')})`;
  });
}
