import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { type Endpoint, isSocket } from './endpoint.ts';
import { codeOf, EmbeddedStartError, FolderInUseError } from './errors.ts';
import { SUPERUSER } from './initialise.ts';
import { type Child, launch, ownerName, ownerPid, type Site } from './launch.ts';
import {
  clearStale,
  isRunning,
  type Postmaster,
  processExists,
  readPostmaster,
  stopPostmaster,
} from './postmaster.ts';

/** The advisory lock of the data folder; any number that is not used otherwise. */
const FOLDER_LOCK = '7093416688120532';
/** Errors of a server that is starting or stopping. */
const TEMPORARY = new Set(['57P01', '57P02', '57P03', 'ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'EPIPE']);
/** Includes crash recovery, which takes seconds. */
const START_TIMEOUT_MS = 120_000;
/** How long another server may take from starting PostgreSQL to locking the folder. */
const CLAIM_MS = 3_000;
/** How long the processes of a killed PostgreSQL may take to exit. */
const LEFTOVERS_MS = 15_000;

export interface Acquired {
  /** The connection whose session holds the lock of the data folder. */
  client: pg.Client;
  child: Child;
}

/**
 * Starts PostgreSQL and locks the data folder. It may find:
 * - nothing, or a crashed PostgreSQL: starts it;
 * - a PostgreSQL that another running Forage server uses, or is about to use: throws FolderInUseError;
 * - one that a killed Forage left behind: locks the folder, stops it and starts its own with this version's settings;
 * - its own (`previous`), with only the connection lost: locks the folder again.
 * PostgreSQL allows one server per folder and one holder of the lock, so two servers cannot both succeed.
 * @throws FolderInUseError, EmbeddedStartError
 */
export async function acquire(site: Site, previous: Child | undefined): Promise<Acquired> {
  const began = Date.now();
  const deadline = began + START_TIMEOUT_MS;
  let child = previous;
  try {
    while (Date.now() < deadline) {
      const found = await readPostmaster(site.folder);
      if (!found || !(await isRunning(found.pid, site.folder))) {
        if (found) await clearStale(found, site.folder);
        const launched = await launch(site, deadline);
        if ('child' in launched) child = launched.child;
        else await throwUnlessTemporary(launched.failure, site, Date.now() - began);
        continue;
      }
      const own = found.pid === child?.pid;
      const respectStarter = !own && Date.now() - began < CLAIM_MS;
      const client = found.endpoint && (await tryHold(site, found.endpoint, respectStarter));
      if (!client) await sleep(15);
      else if (own && child) return { client, child };
      else await replace(site, found, client);
    }
    throw new EmbeddedStartError(
      `PostgreSQL in DATA_DIR ${site.dataDir} does not answer; see ${site.logFile}`,
    );
  } catch (error) {
    // If another server holds the folder, this PostgreSQL is the one that it uses.
    if (child && !child.ended && !(error instanceof FolderInUseError)) {
      await stopPostmaster(child.pid, site.folder, site.binaries.pgCtl);
    }
    throw error;
  }
}

/** Stops a PostgreSQL that a killed Forage left behind. The folder is locked, so no other server uses it. */
async function replace(site: Site, found: Postmaster, client: pg.Client): Promise<void> {
  site.log.info({ process: found.pid }, 'stopping a PostgreSQL that an earlier Forage left running');
  await stopPostmaster(found.pid, site.folder, site.binaries.pgCtl);
  await client.end().catch(() => undefined);
}

/** PostgreSQL ended while starting: throws unless a retry may succeed. */
async function throwUnlessTemporary(failure: string, site: Site, elapsedMs: number): Promise<void> {
  const found = await readPostmaster(site.folder);
  const other = found !== undefined && (await isRunning(found.pid, site.folder));
  const temporary = other || /lock file|shared memory block/.test(failure);
  if (!temporary || (!other && elapsedMs > LEFTOVERS_MS)) {
    throw new EmbeddedStartError(
      `PostgreSQL does not start in DATA_DIR ${site.dataDir} (${failure}); see ${site.logFile}`,
    );
  }
  await sleep(20);
}

/**
 * Tries to take the session-level advisory lock of the data folder on its PostgreSQL.
 * @param respectStarter whether to leave the lock to another running process that started this PostgreSQL and has not taken it yet
 * @returns the connection that has the lock, or null if PostgreSQL does not answer now, or the lock is left to its starter
 * @throws FolderInUseError when another Forage server has the lock; EmbeddedStartError when the password is wrong
 */
async function tryHold(site: Site, endpoint: Endpoint, respectStarter: boolean): Promise<pg.Client | null> {
  const client = new pg.Client({
    host: endpoint.host,
    port: endpoint.port,
    user: SUPERUSER,
    password: site.password,
    database: 'postgres',
    application_name: ownerName(process.pid),
    connectionTimeoutMillis: 5_000,
    keepAlive: !isSocket(endpoint),
  });
  // Without a listener, a broken connection would end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    if (await take(client, site, respectStarter)) return client;
    await client.end();
    return null;
  } catch (error) {
    await client.end().catch(() => undefined);
    if (error instanceof FolderInUseError) throw error;
    const code = codeOf(error);
    if (code === '28P01') {
      throw new EmbeddedStartError(
        `The password in ${site.dataDir}/postgres.password is not the password of the database; restore the file from a backup`,
      );
    }
    if (code === undefined || TEMPORARY.has(code)) return null;
    throw error;
  }
}

async function take(client: pg.Client, site: Site, respectStarter: boolean): Promise<boolean> {
  const { rows } = await client.query<{ cluster_name: string; holder: string | null }>(
    `SELECT current_setting('cluster_name') AS cluster_name,
            (SELECT a.application_name
               FROM pg_locks l JOIN pg_stat_activity a USING (pid)
              WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
                AND (l.classid::bigint << 32 | l.objid::bigint) = $1::bigint
                AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS holder`,
    [FOLDER_LOCK],
  );
  const [state] = rows;
  if (state && state.holder !== null) throw new FolderInUseError(site.dataDir, ownerPid(state.holder));
  const owner = state ? ownerPid(state.cluster_name) : undefined;
  if (respectStarter && owner !== undefined && owner !== process.pid && processExists(owner)) return false;
  const taken = await client.query<{ held: boolean }>('SELECT pg_try_advisory_lock($1::bigint) AS held', [
    FOLDER_LOCK,
  ]);
  if (!taken.rows[0]?.held) throw new FolderInUseError(site.dataDir, undefined);
  return true;
}
