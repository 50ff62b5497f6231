import pg from 'pg';
import { type Endpoint, isSocket } from './endpoint.ts';
import { codeOf, EmbeddedStartError } from './errors.ts';
import { SUPERUSER } from './initialise.ts';
import { processExists } from './postmaster.ts';
import { ownerName, ownerPid } from './settings.ts';
import type { Site } from './site.ts';

/** Marks the data folder as taken, for as long as the session that took it lives. Any number that nothing else uses. */
const FOLDER_LOCK = '7093416688120532';
/** Refusals of a server that is starting, stopping or ending its sessions, and of a socket nobody listens on yet. */
const NOT_NOW = new Set(['57P01', '57P02', '57P03', 'ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'EPIPE']);

/**
 * - `held`: the folder is ours while `client` is connected.
 * - `taken`: another Forage server has it.
 * - `claimed`: a living Forage server has started this PostgreSQL and will take the folder in a moment.
 * - `unreachable`: PostgreSQL does not answer now.
 */
export type Hold =
  | { kind: 'held'; client: pg.Client }
  | { kind: 'taken'; holder: number | undefined }
  | { kind: 'claimed' }
  | { kind: 'unreachable' };

/**
 * Tries to take the data folder by a session-level advisory lock on the PostgreSQL that serves it.
 *
 * `heed` says whether to leave a PostgreSQL alone that a living process other than this one has started: it may be
 * between starting it and taking the folder.
 * @throws EmbeddedStartError when the password does not fit.
 */
export async function tryHold(site: Site, endpoint: Endpoint, heed: boolean): Promise<Hold> {
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
  // A lost connection is seen by whoever listens to `end`; without a listener here it would end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    const hold = await take(client, heed);
    if (hold.kind !== 'held') await client.end();
    return hold;
  } catch (error) {
    await client.end().catch(() => undefined);
    const code = codeOf(error);
    if (code === '28P01') {
      throw new EmbeddedStartError(
        `The password in ${site.dataDir}/postgres.password is not that of the database beside it: restore the file from a backup`,
      );
    }
    if (code === undefined || NOT_NOW.has(code)) return { kind: 'unreachable' };
    throw error;
  }
}

async function take(client: pg.Client, heed: boolean): Promise<Hold> {
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
  if (state && state.holder !== null) return { kind: 'taken', holder: ownerPid(state.holder) };
  const owner = state ? ownerPid(state.cluster_name) : undefined;
  if (heed && owner !== undefined && owner !== process.pid && processExists(owner))
    return { kind: 'claimed' };

  const taken = await client.query<{ held: boolean }>('SELECT pg_try_advisory_lock($1::bigint) AS held', [
    FOLDER_LOCK,
  ]);
  return taken.rows[0]?.held ? { kind: 'held', client } : { kind: 'taken', holder: undefined };
}
