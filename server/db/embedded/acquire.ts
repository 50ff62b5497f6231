import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { EmbeddedStartError, FolderInUseError } from './errors.ts';
import { tryHold } from './hold.ts';
import { launch } from './launch.ts';
import { clearStale, isRunning, type Postmaster, readPostmaster, stopPostmaster } from './postmaster.ts';
import type { Child, Site } from './site.ts';

/** Crash recovery replays the log since the last checkpoint; with the sizes set here that is seconds. */
const PATIENCE_MS = 120_000;
/** How long a server may take from "PostgreSQL is ready" to taking the folder before it is given up. */
const CLAIM_MS = 3_000;
/** How long the processes of a killed PostgreSQL may take to notice and leave. */
const LEFTOVERS_MS = 15_000;

export interface Acquired {
  /** The connection that holds the data folder; while it stands, the folder is ours. */
  client: pg.Client;
  child: Child;
}

/**
 * Ends with a running PostgreSQL that this process has started, and with the data folder held. What it may find:
 * - nothing, or the traces of a crash: starts PostgreSQL;
 * - a PostgreSQL that another living Forage uses or is about to use: gives up;
 * - one that a killed Forage has left behind: takes the folder, stops it and starts its own, so that there is one way of
 *   supervising it, with this version's programs and settings;
 * - its own (`child`), with only the connection lost: takes the folder again.
 * Two servers doing this at once cannot both get through: PostgreSQL allows one server per folder, and one lock.
 *
 * @throws FolderInUseError, EmbeddedStartError
 */
export async function acquire(site: Site, previous: Child | undefined): Promise<Acquired> {
  const began = Date.now();
  const deadline = began + PATIENCE_MS;
  let child = previous;
  try {
    while (Date.now() < deadline) {
      const found = await readPostmaster(site.folder);
      if (!found || !(await isRunning(found, site.folder))) {
        if (found) await clearStale(found, site.folder);
        const launched = await launch(site, deadline);
        if ('child' in launched) child = launched.child;
        else await consider(launched.failure, site, Date.now() - began);
        continue;
      }
      const own = found.pid === child?.pid;
      const hold =
        found.endpoint && (await tryHold(site, found.endpoint, !own && Date.now() - began < CLAIM_MS));
      if (hold?.kind === 'taken') throw new FolderInUseError(site.dataDir, hold.holder);
      if (hold?.kind !== 'held') await sleep(15);
      else if (own && child) return { client: hold.client, child };
      else await replace(site, found, hold.client);
    }
    throw new EmbeddedStartError(
      `PostgreSQL in DATA_DIR ${site.dataDir} does not answer: look into ${site.logFile}`,
    );
  } catch (error) {
    // If another server holds the folder, it holds it on that very PostgreSQL and decides about it.
    if (child && !child.ended && !(error instanceof FolderInUseError)) {
      await stopPostmaster(child.pid, site.folder, site.binaries.pgCtl);
    }
    throw error;
  }
}

/** Stops a PostgreSQL that a killed Forage has left behind. Its folder is held, so nobody else is using it. */
async function replace(site: Site, found: Postmaster, client: pg.Client): Promise<void> {
  site.log.info({ process: found.pid }, 'stopping a PostgreSQL that an earlier Forage left running');
  await stopPostmaster(found.pid, site.folder, site.binaries.pgCtl);
  await client.end().catch(() => undefined);
}

/** PostgreSQL ended while starting: returns if it is worth another try, throws if not. */
async function consider(failure: string, site: Site, elapsedMs: number): Promise<void> {
  const found = await readPostmaster(site.folder);
  const other = found !== undefined && (await isRunning(found, site.folder));
  const passing = other || /lock file|shared memory block/.test(failure);
  if (!passing || (!other && elapsedMs > LEFTOVERS_MS)) {
    throw new EmbeddedStartError(
      `PostgreSQL does not start in DATA_DIR ${site.dataDir} (${failure}): the whole story is in ${site.logFile}`,
    );
  }
  await sleep(20);
}
