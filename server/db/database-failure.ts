import pg from 'pg';

/** The kinds of failures, with what users read. */
const MESSAGES = {
  /** Not reachable, starting, stopping, out of connections, or the connection broke. The transaction was not stored. */
  unavailable: 'The database is unavailable. Try again.',
  /** Its disk is full. Reads still work. */
  disk_full: 'The database disk is full. No changes were made. Contact your administrator.',
  /** Every connection of the pool was in use for too long. */
  pool_exhausted:
    'The server is busy: no database connection was free in time. No changes were made. Try again.',
  /** Stopped by the time limit of a statement. */
  statement_timeout:
    'The database took too long and the request was stopped. No changes were made. Try again later.',
  /** A lock was not free in time. */
  lock_timeout: 'Another change of the same data did not finish in time. No changes were made. Try again.',
  /** Concurrent changes of the same rows, on every attempt. */
  conflict: 'The same data was changed at the same time. No changes were made. Try again.',
  /** A standby, or set to read-only. */
  read_only: 'The database is read-only. No changes were made. Try again later.',
  /** The connection broke during the COMMIT; the transaction may have been stored. */
  unknown_outcome:
    'The connection to the database broke during the change, which may have been stored. Check before you try again.',
};

export type DatabaseFailureKind = keyof typeof MESSAGES;

/** The database could not do the work, for a reason other than the statement. The message is for users. */
export class DatabaseFailure extends Error {
  override readonly name = 'DatabaseFailure';
  readonly kind: DatabaseFailureKind;

  constructor(kind: DatabaseFailureKind, cause?: unknown) {
    super(MESSAGES[kind], { cause });
    this.kind = kind;
  }
}

/** The database cannot be written to: it is a standby, or set to read-only. Another server is the primary, or will be. */
export class ReadOnlyServer extends Error {
  override readonly name = 'ReadOnlyServer';

  constructor() {
    super('the database is a standby, or set to read-only, and accepts no writes');
  }
}

/** Codes of Node for a host that cannot be reached and for a connection that broke. */
const LOST_CODES =
  /^E(CONNREFUSED|CONNRESET|CONNABORTED|PIPE|NOENT|NOTFOUND|AI_AGAIN|TIMEDOUT|HOSTUNREACH|HOSTDOWN|NETUNREACH|NETDOWN)$/;
/** The last one meets requests that outlive the server's shutdown. */
const LOST_MESSAGES =
  /^Connection terminated|^timeout expired|is not queryable|^Query read timeout|^Cannot use a pool after calling end/;
/** pg's message when a connection gave no answer long after the statement's time limit. */
const NO_ANSWER = 'Query read timeout';
const POOL_FULL = /^timeout exceeded when trying to connect/;
/** SQLSTATEs: starting, stopping or crashed (57P), connection (08), disk or connections exhausted (53), disk (58), idle too long (25P03). */
const UNAVAILABLE_STATES = /^(08|53|57P|58|25P03)/;
const DISK_FULL = '53100';

/** Serialisation failures and deadlocks: a retry may succeed. */
export const isConflict = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && /^(40001|40P01)$/.test(error.code ?? '');

/**
 * Whether a retry may succeed: the database refuses connections, is starting or stopping, has too many connections, or its
 * name does not resolve yet. Not for a wrong password, database or certificate.
 */
export function isTransient(error: unknown): boolean {
  if (error instanceof DatabaseFailure)
    return ['unavailable', 'disk_full', 'pool_exhausted'].includes(error.kind);
  if (error instanceof ReadOnlyServer) return true;
  if (error instanceof pg.DatabaseError)
    return UNAVAILABLE_STATES.test(error.code ?? '') && error.code !== '08P01';
  if (!(error instanceof Error)) return false;
  return LOST_CODES.test(codeOf(error)) || LOST_MESSAGES.test(error.message) || POOL_FULL.test(error.message);
}

const READ_ONLY = '25006';

/** Whether the connection broke, was refused, or leads to a server that accepts no writes. */
export const isConnectionLost = (error: unknown): boolean =>
  error instanceof pg.DatabaseError
    ? /^(08|57P)/.test(error.code ?? '') || error.code === READ_ONLY
    : error instanceof ReadOnlyServer ||
      (error instanceof Error && (LOST_CODES.test(codeOf(error)) || LOST_MESSAGES.test(error.message)));

/** Whether the server refuses connections permanently: an unknown role or database, or failing TLS. */
const isRejected = (error: unknown): boolean =>
  error instanceof pg.DatabaseError
    ? /^(28|3D)/.test(error.code ?? '')
    : error instanceof Error && /^(ERR_TLS|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO)/.test(codeOf(error));

/** Converts an error of a statement or transaction to a `DatabaseFailure` if it is one; returns other errors as they are. */
export function databaseFailureOf(error: unknown): unknown {
  if (error instanceof DatabaseFailure) return error;
  if (error instanceof Error && error.message === NO_ANSWER)
    return new DatabaseFailure('statement_timeout', error);
  if (error instanceof Error && POOL_FULL.test(error.message))
    return new DatabaseFailure('pool_exhausted', error);
  if (error instanceof pg.DatabaseError && error.code === DISK_FULL)
    return new DatabaseFailure('disk_full', error);
  if (error instanceof ReadOnlyServer) return new DatabaseFailure('read_only', error);
  if (isTransient(error) || isRejected(error)) return new DatabaseFailure('unavailable', error);
  if (!(error instanceof pg.DatabaseError)) return error;
  if (error.code === '57014') return new DatabaseFailure('statement_timeout', error);
  if (error.code === '55P03') return new DatabaseFailure('lock_timeout', error);
  if (error.code === READ_ONLY) return new DatabaseFailure('read_only', error);
  if (isConflict(error)) return new DatabaseFailure('conflict', error);
  return error;
}

/**
 * Whether a COMMIT that failed with `error` may have been carried out. An error that PostgreSQL raised during the COMMIT has
 * rolled back; after a broken connection the outcome is unknown.
 */
export function mayHaveCommitted(error: unknown): boolean {
  // pg did not send it: the connection was known to be broken.
  if (error instanceof Error && /is not queryable/.test(error.message)) return false;
  return !(error instanceof pg.DatabaseError) || /^(08|57P|58|XX|40003)/.test(error.code ?? '');
}

export const codeOf = (error: Error): string => ('code' in error ? String(error.code) : '');
