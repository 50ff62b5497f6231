import type { ChildProcess } from 'node:child_process';
import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { locateBinaries } from '#server/db/embedded/binaries.ts';
import { ensureCluster, ensurePassword, SUPERUSER } from '#server/db/embedded/initialise.ts';
import { serverArguments } from '#server/db/embedded/launch.ts';
import { findLauncher } from '#server/db/embedded/launcher.ts';
import { freePort } from '../../../scripts/nats-process.ts';

/** Includes crash recovery. */
const READY_MS = 180_000;
const HOST = '127.0.0.1';

/** A PostgreSQL with fsync that records the timestamps of commits. */
export interface Cluster {
  /** The connection URL of the product's role. */
  readonly url: string;
  /** Opens a connection as superuser, which the caller ends. */
  connect(): Promise<pg.Client>;
  /** Starts it and waits until it accepts connections. */
  start(): Promise<void>;
  /** Sends SIGKILL to the postmaster and its children. */
  kill(): Promise<void>;
  /** Fills its disk. Requires that the folder has its own file system. */
  fillDisk(): Promise<void>;
  freeDisk(): Promise<void>;
  /** How often it crashed, because of a full disk, and was restarted as by a service manager. */
  readonly crashCount: () => number;
  /** The lines of its log that contain the text. */
  logLines(text: string): Promise<string[]>;
  stop(): Promise<void>;
}

async function childrenOf(pid: number): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    // The command in brackets may contain spaces; the state and the parent follow it.
    if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid) found.push(Number(name));
  }
  return found;
}

const hasEnded = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
};

/** Creates a PostgreSQL in `dataDir`, with the product's role and database, and starts it. */
export async function startCluster(dataDir: string): Promise<Cluster> {
  await mkdir(dataDir, { recursive: true, mode: 0o711 });
  const folder = join(dataDir, 'postgres');
  const logFile = join(dataDir, 'postgres.log');
  const ballast = join(dataDir, 'ballast');
  const binaries = await locateBinaries(join(dataDir, 'postgres-lib'));
  const launcher = await findLauncher(dataDir, folder, binaries);
  const password = await ensurePassword(dataDir, folder, launcher);
  await ensureCluster(dataDir, folder, binaries, launcher, password);
  const port = await freePort();
  const args = [
    ...serverArguments(folder, { host: HOST, port }),
    // Commit timestamps give the order of transactions.
    ...['-c', 'track_commit_timestamp=on'],
    ...['-c', 'max_connections=80'],
  ];
  let child: ChildProcess | null = null;
  let shouldRun = false;
  let crashCount = 0;

  const spawn = async (): Promise<void> => {
    const log = await open(logFile, 'a');
    const started = launcher.spawn(binaries.postgres, args, ['ignore', log.fd, log.fd]);
    await log.close();
    child = started;
    started.once('exit', () => {
      if (!shouldRun || child !== started) return;
      crashCount++;
      setTimeout(() => {
        if (shouldRun && child === started) void spawn();
      }, 200);
    });
  };
  const connectTo = async (database: string): Promise<pg.Client> => {
    const client = new pg.Client({ host: HOST, port, user: SUPERUSER, password, database });
    client.on('error', () => {});
    await client.connect();
    return client;
  };
  const ready = async (): Promise<void> => {
    const deadline = performance.now() + READY_MS;
    for (;;) {
      try {
        return await (await connectTo('postgres')).end();
      } catch (error) {
        if (performance.now() > deadline) throw error;
        await sleep(20);
      }
    }
  };
  const start = async (): Promise<void> => {
    shouldRun = true;
    await spawn();
    await ready();
  };
  const kill = async (): Promise<void> => {
    shouldRun = false;
    const pid = child?.pid;
    if (pid === undefined) return;
    const all = [pid, ...(await childrenOf(pid))];
    for (const one of all) {
      try {
        process.kill(one, 'SIGKILL');
      } catch {
        // It has ended.
      }
    }
    while (!all.every(hasEnded)) await sleep(5);
    child = null;
  };

  await start();
  const first = await connectTo('postgres');
  await first.query(`create role forage login password '${password}'`);
  await first.query('create database forage owner forage');
  await first.end();
  return {
    url: `postgres://forage:${password}@${HOST}:${port}/forage`,
    connect: () => connectTo('forage'),
    start,
    kill,
    async fillDisk() {
      const file = await open(ballast, 'w');
      const block = Buffer.alloc(1 << 20);
      try {
        for (;;) await file.write(block);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      } finally {
        await file.close();
      }
    },
    async freeDisk() {
      await rm(ballast, { force: true });
      await ready();
    },
    crashCount: () => crashCount,
    async logLines(text) {
      const log = await readFile(logFile, 'utf8');
      return log.split('\n').filter((line) => line.includes(text));
    },
    stop: kill,
  };
}
