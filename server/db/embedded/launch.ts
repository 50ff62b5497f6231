import { open, readFile, rename, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../log.ts';
import type { Binaries } from './binaries.ts';
import { type Endpoint, isSocket } from './endpoint.ts';
import { EmbeddedStartError, messageOf } from './errors.ts';
import type { Launcher } from './launcher.ts';
import { readPostmaster } from './postmaster.ts';

const LOG_LIMIT_BYTES = 5_000_000;

/** The settings of an embedded database, which are the same for every restart. */
export interface Site {
  /** DATA_DIR as a real path. */
  dataDir: string;
  /** PostgreSQL's folder in it. */
  folder: string;
  logFile: string;
  binaries: Binaries;
  launcher: Launcher;
  endpoint: Endpoint;
  password: string;
  log: Log;
}

/** A PostgreSQL server that this process has started. */
export interface Child {
  pid: number;
  ended: boolean;
}

/**
 * Starts a PostgreSQL server and waits until it accepts connections or has ended. It logs to a file, which outlives this process.
 * @returns the running server, or in `failure` the log line that explains why it ended
 */
export async function launch(site: Site, deadline: number): Promise<{ child: Child } | { failure: string }> {
  await rotate(site.logFile);
  const logFile = await open(site.logFile, 'a', 0o600);
  const { size: before } = await logFile.stat();
  const args = serverArguments(site.folder, site.endpoint);
  const child = site.launcher.spawn(site.binaries.postgres, args, ['ignore', logFile.fd, logFile.fd]);
  let spawnFailure: string | undefined;
  const started: Child = { pid: child.pid ?? 0, ended: false };
  child.once('error', (error) => {
    spawnFailure = messageOf(error);
    started.ended = true;
  });
  child.once('exit', () => {
    started.ended = true;
  });
  // The database must not keep this process alive.
  child.unref();
  await logFile.close();

  while (!started.ended) {
    const found = await readPostmaster(site.folder);
    if (found?.pid === started.pid && found.ready) return { child: started };
    if (Date.now() > deadline) {
      child.kill('SIGQUIT');
      throw new EmbeddedStartError(
        `PostgreSQL in DATA_DIR ${site.dataDir} was not ready in time; see ${site.logFile}`,
      );
    }
    await sleep(5);
  }
  return { failure: spawnFailure ?? (await failureIn(site.logFile, before)) };
}

async function failureIn(file: string, from: number): Promise<string> {
  const lines = (await readFile(file)).subarray(from).toString('utf8').trim().split('\n');
  const fatal = lines.findLast((line) => /FATAL|PANIC|error/.test(line)) ?? lines.at(-1) ?? '';
  return fatal.replace(/^.*?(FATAL|PANIC):\s*/, '');
}

async function rotate(file: string): Promise<void> {
  const found = await stat(file).catch(() => undefined);
  if (found && found.size > LOG_LIMIT_BYTES) await rename(file, `${file}.1`);
}

/** PostgreSQL's settings as arguments, which override the files in the data folder. Durability keeps PostgreSQL's defaults. */
export function serverArguments(folder: string, endpoint: Endpoint): string[] {
  const settings: Record<string, string> = {
    listen_addresses: isSocket(endpoint) ? '' : endpoint.host,
    unix_socket_directories: isSocket(endpoint) ? endpoint.host : '',
    unix_socket_permissions: '0700',
    port: String(endpoint.port),
    // A later start reads which Forage server started this PostgreSQL.
    cluster_name: ownerName(process.pid),
    max_connections: '60',
    shared_buffers: '64MB',
    fsync: 'on',
    synchronous_commit: 'on',
    timezone: 'UTC',
    log_timezone: 'UTC',
    // All statements are short, so helper processes would only cost memory.
    io_method: 'sync',
    max_parallel_workers_per_gather: '0',
    max_logical_replication_workers: '0',
    // Failed statements may contain what users typed; Forage logs the failures itself.
    log_destination: 'stderr',
    logging_collector: 'off',
    log_min_messages: 'log',
    log_min_error_statement: 'panic',
    log_checkpoints: 'off',
  };
  return ['-D', folder, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
}

/** The cluster_name of the PostgreSQL that a Forage server started, and the application_name of its connections. */
export function ownerName(pid: number): string {
  return `forage ${pid}`;
}

/** The process id in such a name; undefined if the name is not from Forage. */
export function ownerPid(name: string): number | undefined {
  const pid = /^forage (\d+)$/.exec(name)?.[1];
  return pid === undefined ? undefined : Number(pid);
}
