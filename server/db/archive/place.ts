import { readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { onceThere } from '../arrival.ts';
import { targetOf } from '../connection.ts';
import { FolderInUseError, type Log, startEmbedded } from '../embedded/index.ts';
import { isRunning, readPostmaster } from '../embedded/postmaster.ts';
import { ArchiveError } from './errors.ts';

/** Which database is meant, as for a server: by URL, else the embedded one of the folder. */
export interface Place {
  readonly databaseUrl: string | null;
  readonly dataDir: string;
}

/** An open database; `close` ends the connection and what was started for it. */
export interface OpenPlace {
  readonly client: pg.Client;
  close(): Promise<void>;
}

const PATIENCE_MS = 30_000;
/** How long a database by URL may be away. */
const ARRIVAL_SECONDS = 5;
const NAME = 'forage archive';

/** The place in words that hold no password. */
export function placeWords({ databaseUrl, dataDir }: Place): string {
  if (databaseUrl === null) return `DATA_DIR ${dataDir}`;
  const { hostname, port, pathname, searchParams } = new URL(databaseUrl);
  const host = searchParams.get('host') ?? hostname;
  return `database ${decodeURIComponent(pathname.slice(1))} on ${host}${port === '' ? '' : `:${port}`}`;
}

/**
 * Opens a database to read from. An embedded one that runs is used as it runs, beside its server; one that does not is
 * started for the time until `close`.
 * @throws ArchiveError when there is none in the folder, or it does not answer; EmbeddedStartError, DatabaseStartError.
 */
export async function openSource(place: Place, log: Log): Promise<OpenPlace> {
  if (place.databaseUrl !== null) return openByUrl(place.databaseUrl, log);
  const { dataDir } = place;
  if ((await stat(join(dataDir, 'postgres', 'PG_VERSION')).catch(() => null)) === null) {
    throw new ArchiveError(
      `There is no database in DATA_DIR ${dataDir}, or this account may not look into it: name its folder in DATA_DIR, ` +
        'or its server in DATABASE_URL',
    );
  }
  for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; await sleep(100)) {
    const running = await runningConnection(await realpath(dataDir));
    if (running === 'starting') continue;
    if (running !== null) {
      const client = await connect(running).catch(passing);
      if (client !== null) return withClient(client);
      continue;
    }
    try {
      return await openEmbedded(dataDir, log);
    } catch (error) {
      // A server came first: its database is used as it runs.
      if (!(error instanceof FolderInUseError)) throw error;
    }
  }
  throw new ArchiveError(
    `The database in DATA_DIR ${dataDir} does not answer: look into ${dataDir}/postgres.log`,
  );
}

/**
 * Opens a database to load into. An embedded one is made if it is not there, and is refused while a server uses the folder.
 * @throws FolderInUseError, EmbeddedStartError, DatabaseStartError.
 */
export async function openTarget(place: Place, log: Log): Promise<OpenPlace> {
  if (place.databaseUrl !== null) return openByUrl(place.databaseUrl, log);
  return openEmbedded(place.dataDir, log);
}

/** With the URL's options, TLS among them, as a server takes them. */
async function openByUrl(url: string, log: Log): Promise<OpenPlace> {
  const { connection } = await onceThere(targetOf(url), ARRIVAL_SECONDS, log, async () => undefined);
  return withClient(await connect(connection));
}

async function openEmbedded(dataDir: string, log: Log): Promise<OpenPlace> {
  const embedded = await startEmbedded({ dataDir, log });
  try {
    return withClient(await connect(embedded.connection), () => embedded.stop());
  } catch (error) {
    await embedded.stop();
    throw error;
  }
}

const withClient = (client: pg.Client, then: () => Promise<void> = async () => {}): OpenPlace => ({
  client,
  async close() {
    await client.end().catch(() => undefined);
    await then();
  },
});

async function connect(config: pg.ClientConfig): Promise<pg.Client> {
  const client = new pg.Client({ ...config, application_name: NAME, connectionTimeoutMillis: 10_000 });
  // A connection that is lost fails the statement that it carries; without a listener it would end the process.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** How the PostgreSQL that runs in the folder is reached, from the files beside it; null when none runs. */
async function runningConnection(dataDir: string): Promise<pg.ClientConfig | 'starting' | null> {
  const folder = join(dataDir, 'postgres');
  const found = await readPostmaster(folder);
  if (found === undefined || !(await isRunning(found, folder))) return null;
  if (!found.ready || found.endpoint === undefined) return 'starting';
  const password = (await readFile(join(dataDir, 'postgres.password'), 'utf8')).trim();
  return { ...found.endpoint, user: 'forage', password, database: 'forage' };
}

/** PostgreSQL is starting or stopping: worth another look. */
const PASSING = new Set([
  '57P01',
  '57P02',
  '57P03',
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  '3D000',
  '28000',
]);

function passing(error: unknown): null {
  if (error instanceof Error && 'code' in error && PASSING.has(String(error.code))) return null;
  throw error;
}
