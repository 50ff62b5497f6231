import { mkdir, realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Log } from '../log.ts';
import { type Acquired, acquire } from './acquire.ts';
import { locateBinaries } from './binaries.ts';
import { chooseEndpoint } from './endpoint.ts';
import { EmbeddedStartError, FolderInUseError, messageOf } from './errors.ts';
import { ensureCluster, ensurePassword } from './initialise.ts';
import type { Site } from './launch.ts';
import { findLauncher } from './launcher.ts';
import { stopPostmaster } from './postmaster.ts';

/** The product's role, which is no superuser, and its database. */
const PRODUCT = 'forage';

export interface EmbeddedOptions {
  /** Created if it does not exist. */
  dataDir: string;
  log: Log;
  /** Called once if another Forage server has taken the data folder. A PostgreSQL that crashed is started again instead. */
  onLost?: (error: EmbeddedStartError) => void;
}

export interface EmbeddedPostgres {
  /** For `pg`; stays the same when PostgreSQL is restarted. */
  connection: { host: string; port: number; user: string; password: string; database: string };
  /** Shuts PostgreSQL down and waits until it has ended. May be called again. */
  stop(): Promise<void>;
}

/**
 * Starts the embedded PostgreSQL in `dataDir` and keeps it running until `stop` (docs/decisions/0001-embedded-postgresql.md).
 * @throws EmbeddedStartError; FolderInUseError if another Forage server uses the folder
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  try {
    const site = await prepare(options);
    return supervise(site, await open(site), options.onLost);
  } catch (error) {
    if (error instanceof EmbeddedStartError) throw error;
    throw new EmbeddedStartError(
      `Cannot start the embedded database in DATA_DIR ${options.dataDir} (${messageOf(error)}); check the owner and the ` +
        'permissions of the folder',
      { cause: error },
    );
  }
}

async function prepare({ dataDir: named, log }: EmbeddedOptions): Promise<Site> {
  // The database's account must be able to enter this folder; its contents are closed.
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
    // Left running, it would block the next attempt.
    await stopPostmaster(acquired.child.pid, site.folder, site.binaries.pgCtl);
    await acquired.client.end().catch(() => undefined);
    throw error;
  }
  const { mode, version } = site.launcher;
  site.log.info(
    { version, folder: site.folder, process: acquired.child.pid, mode, ms: Date.now() - began },
    'PostgreSQL is running',
  );
  return acquired;
}

/** Creates the product's role and database on the first start, or after one that was interrupted. */
async function ensureDatabase(client: pg.Client, password: string): Promise<void> {
  const { rows } = await client.query<{ role: boolean; database: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1) AS role,
            EXISTS (SELECT FROM pg_database WHERE datname = $1) AS database`,
    [PRODUCT],
  );
  // The password is known to be hexadecimal, so it is safe in the statement.
  if (!rows[0]?.role) await client.query(`CREATE ROLE ${PRODUCT} LOGIN PASSWORD '${password}'`);
  if (!rows[0]?.database) await client.query(`CREATE DATABASE ${PRODUCT} OWNER ${PRODUCT}`);
}

function supervise(site: Site, first: Acquired, onLost: EmbeddedOptions['onLost']): EmbeddedPostgres {
  let current = first;
  let stopping: Promise<void> | undefined;
  let repairing: Promise<void> | undefined;
  /** Another server has taken the folder and its PostgreSQL. */
  let lost = false;

  const watch = () => {
    current.client.once('end', () => {
      if (!stopping) repairing = repair();
    });
  };

  async function repair(): Promise<void> {
    site.log.warn({ folder: site.folder }, 'the connection to PostgreSQL was lost; reconnecting');
    for (let pause = 100; !stopping; pause = Math.min(pause * 2, 5_000)) {
      try {
        current = await open(site, current);
        return watch();
      } catch (error) {
        site.log.error({ error: messageOf(error), folder: site.folder }, 'reconnecting to PostgreSQL failed');
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
    // The lock is kept until PostgreSQL has ended, so that no other server can take the folder.
    if (!lost && !current.child.ended)
      await stopPostmaster(current.child.pid, site.folder, site.binaries.pgCtl);
    await current.client.end().catch(() => undefined);
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
