import pRetry from 'p-retry';
import pg from 'pg';
import { parse, toClientConfig } from 'pg-connection-string';
import { codeOf, isTransient } from './database-failure.ts';
import { atMostOncePer, type Log } from './log.ts';

const TLS_MODES = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'];
const TLS_OPTIONS = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'uselibpqcompat'];
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
  readonly connection: pg.ClientConfig;
  readonly plainIfNoTls: boolean;
}

/**
 * Reads DATABASE_URL. The TLS options (`sslmode`, `sslrootcert`, `sslcert`, `sslkey`) mean what they mean to libpq; files are read now.
 * `verify-full` without `sslrootcert`, or with `system`, trusts the public authorities that Node knows. Unix sockets use no TLS.
 * @throws DatabaseStartError that names the wrong option
 */
export function targetOf(url: string): Target {
  const options = new URL(url).searchParams;
  // Ignoring a misspelt option would silently connect without the protection that it requests.
  const unknown = [...options.keys()].find((name) => /ssl|tls/i.test(name) && !TLS_OPTIONS.includes(name));
  if (unknown !== undefined) {
    throw new DatabaseStartError(
      `unknown TLS option ${unknown}; use sslmode, sslrootcert, sslcert and sslkey`,
    );
  }
  const mode = options.get('sslmode') ?? 'prefer';
  if (!TLS_MODES.includes(mode))
    throw new DatabaseStartError(`sslmode must be one of ${TLS_MODES.join(', ')}, not "${mode}"`);
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

function parseUrl(url: string, mode: string, system: boolean): pg.ClientConfig {
  const plain = new URL(url);
  plain.searchParams.set('sslmode', mode);
  plain.searchParams.delete('uselibpqcompat');
  if (system) plain.searchParams.delete('sslrootcert');
  try {
    return toClientConfig(parse(plain.href, { useLibpqCompat: true }));
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
): Promise<{ connection: pg.ClientConfig; result: T }> {
  let { connection } = target;
  const attempt = async () => {
    try {
      return await withClient(connection, work);
    } catch (error) {
      if (!target.plainIfNoTls || !hasNoTls(error)) throw error;
      connection = { ...connection, ssl: false };
      return await withClient(connection, work);
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

/** Does `work` with a connection of its own, which it ends. Connects within five seconds, unless `config` says otherwise. */
export async function withClient<T>(
  config: pg.ClientConfig,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionTimeoutMillis: CONNECT_TIMEOUT_MS, keepAlive: true, ...config });
  // Without a listener, a broken connection would end the process.
  client.on('error', () => {});
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
