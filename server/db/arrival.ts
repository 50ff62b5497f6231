import pRetry from 'p-retry';
import pg from 'pg';
import type { Target } from './connection.ts';
import { codeOf, isPassing } from './database-failure.ts';
import { DatabaseStartError } from './start-error.ts';

const CONNECT_MS = 5_000;
const TELL_EVERY_MS = 10_000;

interface Log {
  warn(fields: object, message: string): void;
}

/**
 * Does `work`, which can be done again; while the database is away (refused, starting, its name not known yet) tries again
 * with pauses that grow to two seconds, for `waitSeconds` at most, and says so in the log at first and every ten seconds.
 */
export async function patiently<T>(waitSeconds: number, log: Log, work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  let told = Number.NEGATIVE_INFINITY;
  return pRetry(work, {
    retries: Number.POSITIVE_INFINITY,
    minTimeout: 100,
    factor: 1.5,
    maxTimeout: 2_000,
    shouldRetry: ({ error }) => {
      const now = performance.now();
      if (!isPassing(error) || now - began >= waitSeconds * 1_000) return false;
      if (now - told >= TELL_EVERY_MS) {
        told = now;
        log.warn({ problem: wordsOf(error) }, 'waiting for the database');
      }
      return true;
    },
  });
}

/**
 * Connects and does `work` patiently (see above). Gives the work's result and the configuration that worked, which is
 * the target's, or that without TLS where the server has none and the URL allows it.
 * @throws DatabaseStartError at once when waiting does not help (a wrong password, no such database, a certificate that
 * is not trusted), and when the time is over; whatever else `work` throws.
 */
export async function onceThere<T>(
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
    const result = await patiently(waitSeconds, log, attempt);
    return { connection, result };
  } catch (error) {
    throw startErrorOf(error, waitSeconds);
  }
}

async function withClient<T>(config: pg.ClientConfig, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ ...config, connectionTimeoutMillis: CONNECT_MS, keepAlive: true });
  // A connection that breaks fails the statement under way; without a listener it would end the process.
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

/** Of several addresses behind one name each has its own refusal, and their sum has no words. */
function wordsOf(error: Error): string {
  return partsOf(error)
    .map((one) => (one instanceof Error ? one.message : String(one)))
    .join('; ');
}

const partsOf = (error: Error): readonly unknown[] =>
  error instanceof AggregateError ? error.errors : [error];

/** A way that will not open by waiting: a socket that this user may not use, an address that is none. */
const isNoWay = (error: Error): boolean =>
  partsOf(error).every((one) => one instanceof Error && 'syscall' in one && one.syscall === 'connect');

function startErrorOf(error: unknown, waitSeconds: number): unknown {
  if (!(error instanceof Error)) return error;
  const words = wordsOf(error);
  if (isPassing(error)) {
    return new DatabaseStartError(
      `no database within ${waitSeconds} s (${words}): start it, or correct host and port`,
      error,
    );
  }
  if (isNoWay(error)) {
    return new DatabaseStartError(
      `the database cannot be reached (${words}): correct host and port, or who may use its socket`,
      error,
    );
  }
  if (error instanceof pg.DatabaseError) {
    if (error.code === '3D000')
      return new DatabaseStartError(`${words}: create it, or correct the name`, error);
    if (/^28/.test(error.code ?? '')) {
      return new DatabaseStartError(`${words}: correct user, password or the server's pg_hba.conf`, error);
    }
    return error;
  }
  // pg's words for an answer to its first question that is none of PostgreSQL's.
  if (/^There was an error establishing an SSL connection/.test(error.message)) {
    return new DatabaseStartError(
      'what answers there is no PostgreSQL, or takes no connections now: correct host and port',
      error,
    );
  }
  if (hasNoTls(error)) {
    return new DatabaseStartError(
      'the server has no TLS, which sslmode asks for: turn it on there (ssl = on), or use sslmode=prefer or disable',
      error,
    );
  }
  if (/^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_)/.test(codeOf(error))) {
    return new DatabaseStartError(
      `the server's certificate is not trusted or does not fit (${words}): correct sslrootcert, sslcert, sslkey or the host`,
      error,
    );
  }
  return error;
}
