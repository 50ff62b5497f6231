import pRetry from 'p-retry';
import pg from 'pg';
import { parse, toClientConfig } from 'pg-connection-string';
import { type ClientConfig, DatabaseClient, internalsOf, requireWritable } from './client.ts';
import { codeOf, isTransient, ReadOnlyServer } from './database-failure.ts';
import { databaseUrlOf } from './database-url.ts';
import { atMostOncePer, type Log } from './log.ts';

const TLS_MODES = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'];
const TLS_OPTIONS = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey'];
/** Those that pg understands, and those that are handled here. */
const OPTIONS = [
  ...TLS_OPTIONS,
  ...['channel_binding', 'target_session_attrs', 'host', 'port', 'user', 'password'],
  ...['application_name', 'fallback_application_name', 'client_encoding', 'options'],
];
/** What an option may be; every other value would be ignored. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  sslmode: TLS_MODES,
  channel_binding: ['prefer', 'require'],
  // The server that accepts writes is used in any case.
  target_session_attrs: ['read-write', 'primary'],
};
const CONNECT_TIMEOUT_MS = 5_000;
const LOG_EVERY_MS = 10_000;

/** The database of DATABASE_URL cannot be used. The message is one line without the password. */
export class DatabaseStartError extends Error {
  override readonly name = 'DatabaseStartError';

  constructor(message: string, cause?: unknown) {
    super(`DATABASE_URL: ${message}`, { cause });
  }
}

/** How to connect, and whether to fall back to no TLS if the server has none (`sslmode=prefer`). */
export interface Target {
  readonly connection: ClientConfig;
  readonly plainIfNoTls: boolean;
}

/**
 * Reads DATABASE_URL. Its options mean what they mean to libpq; files are read now. `verify-full` without `sslrootcert`, or with
 * `system`, trusts the public authorities that Node knows. Unix sockets use no TLS.
 * @throws DatabaseStartError that names the wrong option
 */
export function targetOf(url: string): Target {
  const options = databaseUrlOf(url).searchParams;
  for (const [name, value] of options) {
    // Ignoring an option would silently connect in another way than it requests.
    if (!OPTIONS.includes(name))
      throw new DatabaseStartError(`unknown option ${name}; the options are ${OPTIONS.join(', ')}`);
    const values = VALUES[name];
    if (values !== undefined && !values.includes(value))
      throw new DatabaseStartError(`${name} must be one of ${values.join(', ')}, not "${value}"`);
  }
  const mode = options.get('sslmode') ?? 'prefer';
  const system = options.get('sslrootcert') === 'system';
  if (system && mode !== 'verify-full') {
    throw new DatabaseStartError(
      'sslrootcert=system requires sslmode=verify-full, because anyone can get a public certificate',
    );
  }
  if (mode === 'verify-ca' && !options.has('sslrootcert'))
    throw new DatabaseStartError('sslmode=verify-ca requires sslrootcert, the file of the trusted authority');
  if (options.has('sslcert') !== options.has('sslkey'))
    throw new DatabaseStartError('sslcert and sslkey must be set together');
  const connection = parseUrl(url, mode, system);
  if (connection.host?.startsWith('/'))
    return { connection: { ...connection, ssl: false }, plainIfNoTls: false };
  return { connection, plainIfNoTls: mode === 'prefer' };
}

function parseUrl(url: string, mode: string, system: boolean): ClientConfig {
  const plain = databaseUrlOf(url);
  const requireChannelBinding = plain.searchParams.get('channel_binding') === 'require';
  plain.searchParams.set('sslmode', mode);
  for (const name of ['channel_binding', 'target_session_attrs']) plain.searchParams.delete(name);
  if (system) plain.searchParams.delete('sslrootcert');
  try {
    return { ...toClientConfig(parse(plain.href, { useLibpqCompat: true })), requireChannelBinding };
  } catch (error) {
    if (error instanceof Error && 'path' in error)
      throw new DatabaseStartError(`cannot read ${error.path} (${codeOf(error)})`);
    // The parser's message may contain the password.
    throw new DatabaseStartError(
      'invalid URL; it must be postgres://user:password@host:port/database?options',
    );
  }
}

/**
 * Repeats `work` while the database is unavailable (refused, starting, unknown host name), with pauses up to two seconds, for at
 * most `waitSeconds`. Logs the first failure, and one every ten seconds.
 */
export async function retryUntilReady<T>(waitSeconds: number, log: Log, work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const warn = atMostOncePer(LOG_EVERY_MS, log);
  return pRetry(work, {
    retries: Number.POSITIVE_INFINITY,
    minTimeout: 100,
    factor: 1.5,
    maxTimeout: 2_000,
    shouldRetry: ({ error }) => {
      if (!isTransient(error) || performance.now() - began >= waitSeconds * 1_000) return false;
      warn({ problem: messageOf(error) }, 'waiting for the database');
      return true;
    },
  });
}

/**
 * Connects, retrying until the database is ready, and does `work`.
 * @returns the result, and the configuration that worked: without TLS if the server has none and the target allows it
 * @throws DatabaseStartError after `waitSeconds`, and immediately for a wrong password, database or certificate; errors of `work`
 */
export async function connectWhenReady<T>(
  target: Target,
  waitSeconds: number,
  log: Log,
  work: (client: pg.Client) => Promise<T>,
): Promise<{ connection: ClientConfig; result: T }> {
  let { connection } = target;
  const checked = async (client: pg.Client) => {
    await requireWritable(client);
    await refuseTransactionPooling(connection, client);
    return work(client);
  };
  const attempt = async () => {
    try {
      return await withClient(connection, checked);
    } catch (error) {
      if (!target.plainIfNoTls || !hasNoTls(error)) throw error;
      connection = { ...connection, ssl: false };
      return await withClient(connection, checked);
    }
  };
  try {
    const result = await retryUntilReady(waitSeconds, log, attempt);
    return { connection, result };
  } catch (error) {
    const message = error instanceof Error ? explain(error, waitSeconds) : null;
    throw message === null ? error : new DatabaseStartError(message, error);
  }
}

const POOLER_SAMPLES = 10;

/**
 * A pooler in transaction mode serves each transaction of a connection by any of its own connections, so locks and settings of a
 * session would be lost, or those of another one. Then two connections are served by the same process of PostgreSQL.
 * @throws DatabaseStartError when the database is behind such a pooler
 */
async function refuseTransactionPooling(connection: ClientConfig, client: pg.Client): Promise<void> {
  const processOf = async (one: pg.Client): Promise<number> =>
    (await one.query('select pg_backend_pid() as pid')).rows[0].pid;
  // A pooler makes the number up that a client gets when it connects.
  if ((await processOf(client)) === internalsOf(client).processID) return;
  await withClient(connection, async (other) => {
    const [own, others] = [new Set<number>(), new Set<number>()];
    for (let n = 0; n < POOLER_SAMPLES; n++) {
      own.add(await processOf(client));
      others.add(await processOf(other));
    }
    if (own.size === 1 && ![...others].some((pid) => own.has(pid))) return;
    throw new DatabaseStartError(
      'leads to a connection pooler in transaction mode, such as PgBouncer; use its session mode, or the address of PostgreSQL itself',
    );
  });
}

/** Does `work` with a connection of its own, which it ends. Connects within five seconds, unless `config` says otherwise. */
export async function withClient<T>(
  config: ClientConfig,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new DatabaseClient({
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    ...config,
  });
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end().catch(() => {});
  }
}

const hasNoTls = (error: unknown): boolean =>
  error instanceof Error && /does not support SSL/.test(error.message);

/** A host name with several addresses fails with an AggregateError, which has no message of its own. */
const partsOf = (error: Error): readonly unknown[] =>
  error instanceof AggregateError ? error.errors : [error];

const messageOf = (error: Error): string =>
  partsOf(error)
    .map((one) => (one instanceof Error ? one.message : String(one)))
    .join('; ');

/** Waiting does not help, for example with a socket that this user may not open. */
const isUnreachable = (error: Error): boolean =>
  partsOf(error).every((one) => one instanceof Error && 'syscall' in one && one.syscall === 'connect');

/** What went wrong and what to correct; null for an error of the work itself. */
function explain(error: Error, waitSeconds: number): string | null {
  const message = messageOf(error);
  if (error instanceof ReadOnlyServer)
    return `no primary within ${waitSeconds} s (${message}); promote it, or correct the host and port`;
  if (/channel_binding=require/.test(message))
    return `${message}; turn TLS and scram-sha-256 on there, or remove the option`;
  if (isTransient(error))
    return `no database within ${waitSeconds} s (${message}); start it, or correct the host and port`;
  if (isUnreachable(error))
    return `cannot reach the database (${message}); correct the host and port, or the permissions of its socket`;
  if (error instanceof pg.DatabaseError) {
    if (error.code === '3D000') return `${message}; create it, or correct the name`;
    if (/^28/.test(error.code ?? ''))
      return `${message}; correct the user, the password or the server's pg_hba.conf`;
    return null;
  }
  // pg's message when the answer to its first bytes is not from PostgreSQL.
  if (/^There was an error establishing an SSL connection/.test(error.message))
    return 'the server is not PostgreSQL or is not accepting connections; correct the host and port';
  if (hasNoTls(error))
    return 'the server has no TLS, which sslmode requires; turn it on there (ssl = on), or use sslmode=prefer or disable';
  if (/^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_)/.test(codeOf(error)))
    return `the server's certificate is not trusted or does not match (${message}); correct sslrootcert, sslcert, sslkey or the host`;
  return null;
}
