import type { ChildProcess } from 'node:child_process';
import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { locateBinaries } from '#server/db/embedded/binaries.ts';
import { ensureCluster, ensurePassword, SUPERUSER } from '#server/db/embedded/initialise.ts';
import { findLauncher } from '#server/db/embedded/launcher.ts';
import { serverArguments } from '#server/db/embedded/settings.ts';
import { freePort } from '../../../scripts/nats-process.ts';

/** How long PostgreSQL may take to replay its log after a kill. */
const READY_MS = 60_000;
const HOST = '127.0.0.1';

/** A PostgreSQL of the test's own, with fsync as it comes and the times of commits kept. */
export interface Cluster {
  /** As the product connects. */
  readonly url: string;
  /** A connection of the superuser, for looking; whoever asked ends it. */
  look(): Promise<pg.Client>;
  /** Starts it and waits until it takes connections. */
  start(): Promise<void>;
  /** kill -9 of the postmaster and of everything it started. */
  kill(): Promise<void>;
  /** Takes all the room on its disk, and gives it back; only where the folder is a file system of its own. */
  fillDisk(): Promise<void>;
  freeDisk(): Promise<void>;
  /** How often it ended by itself (a full disk does that) and was started again, as a service manager would. */
  readonly ownEnds: () => number;
  /** Lines of its log with these words. */
  logLines(words: string): Promise<string[]>;
  stop(): Promise<void>;
}

async function childrenOf(pid: number): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    // The command in brackets may hold spaces; behind it come the state and the parent.
    if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid) found.push(Number(name));
  }
  return found;
}

const ended = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
};

/** Makes a cluster in `dataDir`, starts it, and makes the product's role and database in it. */
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
    // By it the checker knows in which order transactions took effect.
    ...['-c', 'track_commit_timestamp=on'],
    ...['-c', 'max_connections=80'],
  ];
  let child: ChildProcess | null = null;
  let wanted = false;
  let ownEnds = 0;

  const spawn = async (): Promise<void> => {
    const log = await open(logFile, 'a');
    const started = launcher.spawn(binaries.postgres, args, ['ignore', log.fd, log.fd]);
    await log.close();
    child = started;
    started.once('exit', () => {
      if (!wanted || child !== started) return;
      ownEnds++;
      setTimeout(() => {
        if (wanted && child === started) void spawn();
      }, 200);
    });
  };
  const connect = async (database: string): Promise<pg.Client> => {
    const client = new pg.Client({ host: HOST, port, user: SUPERUSER, password, database });
    client.on('error', () => {});
    await client.connect();
    return client;
  };
  const ready = async (): Promise<void> => {
    const deadline = performance.now() + READY_MS;
    for (;;) {
      try {
        return await (await connect('postgres')).end();
      } catch (error) {
        if (performance.now() > deadline) throw error;
        await sleep(20);
      }
    }
  };
  const start = async (): Promise<void> => {
    wanted = true;
    await spawn();
    await ready();
  };
  const kill = async (): Promise<void> => {
    wanted = false;
    const pid = child?.pid;
    if (pid === undefined) return;
    const all = [pid, ...(await childrenOf(pid))];
    for (const one of all) {
      try {
        process.kill(one, 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    }
    while (!all.every(ended)) await sleep(5);
    child = null;
  };

  await start();
  const first = await connect('postgres');
  // The password is hexadecimal.
  await first.query(`create role forage login password '${password}'`);
  await first.query('create database forage owner forage');
  await first.end();
  return {
    url: `postgres://forage:${password}@${HOST}:${port}/forage`,
    look: () => connect('forage'),
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
    ownEnds: () => ownEnds,
    async logLines(words) {
      const text = await readFile(logFile, 'utf8');
      return text.split('\n').filter((line) => line.includes(words));
    },
    stop: kill,
  };
}
