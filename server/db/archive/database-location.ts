import { readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { connectWhenReady, targetOf } from '../connect.ts';
import { databaseUrlOf } from '../database-url.ts';
import { codeOf, FolderInUseError } from '../embedded/errors.ts';
import { isRunning, readPostmaster } from '../embedded/postmaster.ts';
import { startEmbedded } from '../embedded/start-embedded.ts';
import type { Log } from '../log.ts';
import { ArchiveError } from './format.ts';

/** A database by URL, else the embedded one of the folder. */
export interface DatabaseLocation {
  readonly databaseUrl: string | null;
  readonly dataDir: string;
}

/** Called while a table is copied and at its end, with the rows and bytes (of COPY's text) so far. */
export type Progress = (table: string, rows: number, bytes: number) => void;

/** A backup or restore. An abort by `signal` leaves the file or the database as it was. */
export interface ArchiveWork {
  readonly location: DatabaseLocation;
  readonly file: string;
  readonly log: Log;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

export interface Written {
  readonly tables: number;
  readonly rows: number;
  /** Before compression. */
  readonly bytes: number;
}

/** An open database; `close` ends the connection, and the embedded database if `open…` started it. */
export interface OpenDatabase {
  readonly client: pg.Client;
  close(): Promise<void>;
}

const TIMEOUT_MS = 30_000;
/** How long to wait for a database by URL. */
const WAIT_SECONDS = 5;
const NAME = 'forage archive';

/** Describes the location without the password. */
export function describeLocation({ databaseUrl, dataDir }: DatabaseLocation): string {
  if (databaseUrl === null) return `DATA_DIR ${dataDir}`;
  const { hostname, port, pathname, searchParams } = databaseUrlOf(databaseUrl);
  const host = searchParams.get('host') ?? hostname;
  return `database ${decodeURIComponent(pathname.slice(1))} on ${host}${port === '' ? '' : `:${port}`}`;
}

/**
 * Opens a database to read from. An embedded one is shared with its running server, otherwise started until `close`.
 * @throws ArchiveError when the folder has no database or it does not answer; EmbeddedStartError, DatabaseStartError
 */
export async function openSource(location: DatabaseLocation, log: Log): Promise<OpenDatabase> {
  if (location.databaseUrl !== null) return openByUrl(location.databaseUrl, log);
  const { dataDir } = location;
  if ((await stat(join(dataDir, 'postgres', 'PG_VERSION')).catch(() => null)) === null) {
    throw new ArchiveError(
      `There is no database in DATA_DIR ${dataDir}, or this account may not read it; set DATA_DIR to its folder, ` +
        'or DATABASE_URL to its server',
    );
  }
  for (const deadline = Date.now() + TIMEOUT_MS; Date.now() < deadline; await sleep(100)) {
    const running = await runningConnection(await realpath(dataDir));
    if (running === 'starting') continue;
    if (running !== null) {
      const opened = await connect(running).catch(nullIfTemporary);
      if (opened !== null) return opened;
      continue;
    }
    try {
      return await openEmbedded(dataDir, log);
    } catch (error) {
      // A server has been started in between; its database is shared.
      if (!(error instanceof FolderInUseError)) throw error;
    }
  }
  throw new ArchiveError(`The database in DATA_DIR ${dataDir} does not answer; see ${dataDir}/postgres.log`);
}

/**
 * Opens a database to load into. An embedded one is created if it does not exist.
 * @throws FolderInUseError while a server uses the folder; EmbeddedStartError, DatabaseStartError
 */
export async function openTarget(location: DatabaseLocation, log: Log): Promise<OpenDatabase> {
  if (location.databaseUrl !== null) return openByUrl(location.databaseUrl, log);
  return openEmbedded(location.dataDir, log);
}

async function openByUrl(url: string, log: Log): Promise<OpenDatabase> {
  const { connection } = await connectWhenReady(targetOf(url), WAIT_SECONDS, log, async () => undefined);
  return connect(connection);
}

async function openEmbedded(dataDir: string, log: Log): Promise<OpenDatabase> {
  const embedded = await startEmbedded({ dataDir, log });
  try {
    return await connect(embedded.connection, () => embedded.stop());
  } catch (error) {
    await embedded.stop();
    throw error;
  }
}

async function connect(config: pg.ClientConfig, then = async () => {}): Promise<OpenDatabase> {
  const client = new pg.Client({ ...config, application_name: NAME, connectionTimeoutMillis: 10_000 });
  // Without a listener, a broken connection would end the process.
  client.on('error', () => undefined);
  await client.connect();
  return {
    client,
    async close() {
      await client.end().catch(() => undefined);
      await then();
    },
  };
}

/** How to connect to the PostgreSQL that runs in the folder; null if none runs. */
async function runningConnection(dataDir: string): Promise<pg.ClientConfig | 'starting' | null> {
  const folder = join(dataDir, 'postgres');
  const found = await readPostmaster(folder);
  if (found === undefined || !(await isRunning(found.pid, folder))) return null;
  if (!found.ready || found.endpoint === undefined) return 'starting';
  const password = (await readFile(join(dataDir, 'postgres.password'), 'utf8')).trim();
  return { ...found.endpoint, user: 'forage', password, database: 'forage' };
}

/** Tolerates the errors of a PostgreSQL that is starting or stopping. */
function nullIfTemporary(error: unknown): null {
  if (/^(57P0[123]|3D000|28000|ECONNREFUSED|ECONNRESET|ENOENT)$/.test(codeOf(error) ?? '')) return null;
  throw error;
}

/** Runs `work` and closes the database. An abort ends the connection, which rolls back an open transaction. */
export async function withOpenDatabase<T>(
  { client, close }: OpenDatabase,
  signal: AbortSignal | undefined,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const disconnect = () => void client.end().catch(() => undefined);
  signal?.addEventListener('abort', disconnect, { once: true });
  try {
    signal?.throwIfAborted();
    return await work(client);
  } finally {
    signal?.removeEventListener('abort', disconnect);
    await close();
  }
}
