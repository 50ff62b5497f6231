import { mkdir, realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { type Acquired, acquire } from './acquire.ts';
import { locateBinaries } from './binaries.ts';
import { chooseEndpoint, dropEndpoint } from './endpoint.ts';
import { EmbeddedStartError, FolderInUseError, wordsOf } from './errors.ts';
import { ensureCluster, ensurePassword } from './initialise.ts';
import { findLauncher } from './launcher.ts';
import type { Log } from './log.ts';
import { stopPostmaster } from './postmaster.ts';
import type { Site } from './site.ts';

/** The role the product connects as, and the database it owns. Not a superuser. */
const PRODUCT = 'forage';

export interface EmbeddedOptions {
  /** Where everything is kept; made if it is not there. Folders above it are left as they are. */
  dataDir: string;
  log: Log;
  /**
   * Called once if the database was lost for good, which is: another Forage server has taken the data folder. Anything
   * else (PostgreSQL crashed or was killed) is repaired by starting it again; connections made after that just work.
   */
  onLost?: (error: EmbeddedStartError) => void;
}

export interface EmbeddedPostgres {
  /** For a `pg.Pool` or `pg.Client`; stays the same over restarts of PostgreSQL. */
  connection: { host: string; port: number; user: string; password: string; database: string };
  /** Ends all sessions, writes everything and waits until no process is left. May be called again. */
  stop(): Promise<void>;
}

/**
 * Starts the PostgreSQL that comes with Forage in `dataDir` and keeps it running until `stop`. See
 * docs/decisions/0001-embedded-postgresql.md for what it promises.
 *
 * @throws EmbeddedStartError with one line for a person; `FolderInUseError` if another Forage server uses the folder.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  try {
    const site = await prepare(options);
    try {
      return supervise(site, await open(site), options.onLost);
    } catch (error) {
      await dropEndpoint(site.endpoint);
      throw error;
    }
  } catch (error) {
    if (error instanceof EmbeddedStartError) throw error;
    throw new EmbeddedStartError(
      `The embedded database cannot be started in DATA_DIR ${options.dataDir} (${wordsOf(error)}): check who owns the ` +
        'folder and that it can be written to',
      { cause: error },
    );
  }
}

async function prepare({ dataDir: named, log }: EmbeddedOptions): Promise<Site> {
  // Whoever runs the database has to pass through this folder; what is in it is closed by itself.
  await mkdir(resolve(named), { recursive: true, mode: 0o711 });
  const dataDir = await realpath(resolve(named));
  const folder = join(dataDir, 'postgres');
  const binaries = await locateBinaries(join(dataDir, 'postgres-lib'));
  const launcher = await findLauncher(dataDir, folder, binaries);
  const password = await ensurePassword(dataDir, folder, launcher);
  await ensureCluster(dataDir, folder, binaries, launcher, password);
  const endpoint = await chooseEndpoint(dataDir, launcher.give);
  return {
    dataDir,
    folder,
    logFile: join(dataDir, 'postgres.log'),
    binaries,
    launcher,
    endpoint,
    password,
    log,
  };
}

async function open(site: Site, previous?: Acquired): Promise<Acquired> {
  const began = Date.now();
  const acquired = await acquire(site, previous && !previous.child.ended ? previous.child : undefined);
  try {
    await ensureDatabase(acquired.client, site.password);
  } catch (error) {
    // Nobody supervises it: left running, it would hold the folder against the next attempt.
    await stopPostmaster(acquired.child.pid, site.folder, site.binaries.pgCtl);
    await acquired.client.end().catch(() => undefined);
    throw error;
  }
  const { way, version } = site.launcher;
  site.log.info(
    { version, folder: site.folder, process: acquired.child.pid, way, ms: Date.now() - began },
    'PostgreSQL is running',
  );
  return acquired;
}

/** Makes the product's role and database if a first start was interrupted before it came to that, or is this one. */
async function ensureDatabase(client: pg.Client, password: string): Promise<void> {
  const { rows } = await client.query<{ role: boolean; database: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1) AS role,
            EXISTS (SELECT FROM pg_database WHERE datname = $1) AS database`,
    [PRODUCT],
  );
  // The password is hexadecimal (checked when it was read), so it can stand in the statement.
  if (!rows[0]?.role) await client.query(`CREATE ROLE ${PRODUCT} LOGIN PASSWORD '${password}'`);
  if (!rows[0]?.database) await client.query(`CREATE DATABASE ${PRODUCT} OWNER ${PRODUCT}`);
}

function supervise(site: Site, first: Acquired, onLost: EmbeddedOptions['onLost']): EmbeddedPostgres {
  let current = first;
  let stopping: Promise<void> | undefined;
  let repairing: Promise<void> | undefined;
  /** Another server has the folder, and with it whatever PostgreSQL runs there. */
  let lost = false;

  const watch = () => {
    current.client.once('end', () => {
      if (!stopping) repairing = repair();
    });
  };

  async function repair(): Promise<void> {
    site.log.warn({ folder: site.folder }, 'the connection to PostgreSQL was lost; opening it again');
    for (let pause = 100; !stopping; pause = Math.min(pause * 2, 5_000)) {
      try {
        current = await open(site, current);
        return watch();
      } catch (error) {
        site.log.error({ error: wordsOf(error), folder: site.folder }, 'PostgreSQL cannot be opened again');
        if (error instanceof FolderInUseError) {
          lost = true;
          return onLost?.(error);
        }
      }
      await sleep(pause);
    }
  }

  async function stop(): Promise<void> {
    await repairing;
    // The lock is kept until PostgreSQL ends it, so no other server comes in between.
    if (!lost && !current.child.ended)
      await stopPostmaster(current.child.pid, site.folder, site.binaries.pgCtl);
    await current.client.end().catch(() => undefined);
    await dropEndpoint(site.endpoint);
  }

  watch();
  return {
    connection: { ...site.endpoint, user: PRODUCT, password: site.password, database: PRODUCT },
    stop() {
      stopping ??= stop();
      return stopping;
    },
  };
}
