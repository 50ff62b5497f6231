import pg from 'pg';

/**
 * - `away`: not reached, starting, stopping, out of connections, or the connection broke. Nothing of a transaction was stored.
 * - `no_room`: its disk is full. Reads go on.
 * - `full`: every connection of the pool was in use for too long.
 * - `slow`: stopped by the statement's time limit.
 * - `held`: what the work needs was locked by somebody else for too long.
 * - `conflict`: others changed the same at the same moment, several times in a row.
 * - `read_only`: a standby, or set to read-only.
 * - `unknown_outcome`: the connection broke while the work was being committed; it may have been stored.
 */
export type DatabaseFailureKind =
  | 'away'
  | 'no_room'
  | 'full'
  | 'slow'
  | 'held'
  | 'conflict'
  | 'read_only'
  | 'unknown_outcome';

/** The database could not do what it was asked, through no fault of the question. The message is for a person. */
export class DatabaseFailure extends Error {
  override readonly name = 'DatabaseFailure';
  readonly kind: DatabaseFailureKind;

  constructor(kind: DatabaseFailureKind, cause?: unknown) {
    super(WORDS[kind], { cause });
    this.kind = kind;
  }
}

const WORDS: Record<DatabaseFailureKind, string> = {
  away: 'the database is away; try again in a moment',
  no_room: 'the database has no room on its disk: nothing was changed; tell whoever runs it',
  full: 'the server is busy: no connection to the database came free in time; nothing was changed; try again in a moment',
  slow: 'the database took too long over this and was stopped; nothing was changed; try again later',
  held: 'somebody else is changing the same thing and has not finished in time; nothing was changed; try again',
  conflict: 'others changed the same thing at the same moment; nothing was changed; try again',
  read_only: 'the database takes no changes now; nothing was changed; try again later',
  unknown_outcome:
    'the connection to the database broke while this was being stored: it may have happened; look before you try again',
};

/** Ends of a connection and of a way to it, as Node, TLS and pg tell them. */
const LOST_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ENOENT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
]);
const LOST_WORDS = /^Connection terminated|^timeout expired|is not queryable|^Query read timeout/;
const POOL_FULL = /^timeout exceeded when trying to connect/;
/** Starting, stopping or crashed (57P), connection troubles (08), no room or connections (53), the disk (58), idle too long (25P03). */
const AWAY_STATES = /^(08|53|57P|58|25P03)/;
const DISK_FULL = '53100';
/** Deadlocks and serialisation failures: the same transaction may well succeed when it is tried again. */
const CONFLICTS = new Set(['40001', '40P01']);

const PASSING: ReadonlySet<DatabaseFailureKind> = new Set(['away', 'no_room', 'full']);

export const isConflict = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && CONFLICTS.has(error.code ?? '');

/**
 * Whether an error says that the database is not there now, and may be in a moment: refused, starting or stopping, too many
 * connections, a name that does not resolve yet. Not: a wrong password, a database that does not exist, TLS that does
 * not fit.
 */
export function isPassing(error: unknown): boolean {
  if (error instanceof DatabaseFailure) return PASSING.has(error.kind);
  if (error instanceof pg.DatabaseError) return AWAY_STATES.test(error.code ?? '') && error.code !== '08P01';
  if (!(error instanceof Error)) return false;
  return LOST_CODES.has(codeOf(error)) || LOST_WORDS.test(error.message) || POOL_FULL.test(error.message);
}

/** Whether an error says that connections are lost or refused, not only that the server has no room for what was asked. */
export const isLost = (error: unknown): boolean =>
  error instanceof pg.DatabaseError
    ? /^(08|57P)/.test(error.code ?? '')
    : error instanceof Error && (LOST_CODES.has(codeOf(error)) || LOST_WORDS.test(error.message));

/** A connection that the server refuses for good: a role or database that is not there or may not enter, TLS that fails. */
const isShutOut = (error: unknown): boolean =>
  error instanceof pg.DatabaseError
    ? /^(28|3D)/.test(error.code ?? '')
    : error instanceof Error && /^(ERR_TLS|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO)/.test(codeOf(error));

/** What a statement or transaction threw, told as a `DatabaseFailure` if it is one; any other error as it is. */
export function databaseFailureOf(error: unknown): unknown {
  if (error instanceof DatabaseFailure) return error;
  if (error instanceof Error && POOL_FULL.test(error.message)) return new DatabaseFailure('full', error);
  if (error instanceof pg.DatabaseError && error.code === DISK_FULL)
    return new DatabaseFailure('no_room', error);
  if (isPassing(error) || isShutOut(error)) return new DatabaseFailure('away', error);
  if (!(error instanceof pg.DatabaseError)) return error;
  if (error.code === '57014') return new DatabaseFailure('slow', error);
  if (error.code === '55P03') return new DatabaseFailure('held', error);
  if (error.code === '25006') return new DatabaseFailure('read_only', error);
  if (isConflict(error)) return new DatabaseFailure('conflict', error);
  return error;
}

/**
 * Whether a COMMIT that was answered by `error` may have been carried out all the same. An error that the server raised
 * in committing has undone the transaction; an end of the connection says nothing.
 */
export function mayHaveCommitted(error: unknown): boolean {
  // pg refuses to send on a connection that is known to be broken: nothing has left this process.
  if (error instanceof Error && /is not queryable/.test(error.message)) return false;
  return !(error instanceof pg.DatabaseError) || /^(08|57P|58|XX|40003)/.test(error.code ?? '');
}

export const codeOf = (error: Error): string => ('code' in error ? String(error.code) : '');
