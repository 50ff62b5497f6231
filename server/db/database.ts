import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { abandoned, requestScope } from '#server/request-scope.ts';
import type { ClientConfig } from './client.ts';
import {
  DatabaseFailure,
  databaseFailureOf,
  isConflict,
  isConnectionLost,
  mayHaveCommitted,
} from './database-failure.ts';
import type { Log } from './log.ts';
import { watchForOutages } from './outage-watch.ts';
import { openPool } from './pool.ts';

/** A named, prepared SQL statement with the types of its parameters and rows. Texts live in `store.ts` files only. */
export interface Statement<Params extends readonly unknown[], Row> {
  readonly name: string;
  readonly text: string;
  /** Never set; carries the types only. */
  readonly types?: { params: Params; row: Row };
}

/**
 * Declares a statement. `name` is unique in the server, because PostgreSQL caches the plan by it, and appears in
 * logs and metrics; `text` uses `$1`… for its parameters.
 */
export function statement<Params extends readonly unknown[], Row = Record<string, never>>(
  name: string,
  text: string,
): Statement<Params, Row> {
  return { name, text };
}

/** Runs statements: the pool, or one open transaction. */
export interface Executor {
  /**
   * Runs a statement and returns its rows. Not sent once the request that it belongs to (`requestScope`) was abandoned.
   * @throws DatabaseFailure when the database is unavailable, too busy or too slow; the request's abort reason; PostgreSQL's
   * other errors as pg's `DatabaseError`.
   */
  run<Params extends readonly unknown[], Row>(
    statement: Statement<Params, Row>,
    params: Readonly<Params>,
  ): Promise<Row[]>;
}

/** An open transaction, passed to every function that works in it. */
export interface Transaction extends Executor {
  /**
   * Registers an action for after the commit, such as a signal; dropped on rollback. Its errors are logged only, because
   * the work is stored.
   */
  afterCommit(action: () => void): void;
  /** Registers the last statements before the COMMIT: writes whose locks many transactions wait for. */
  beforeCommit(action: () => Promise<void>): void;
}

export interface Database extends Executor {
  /**
   * Runs `work` in one READ COMMITTED transaction: commits when it resolves, rolls back when it throws. Deadlocks and
   * serialisation failures are retried, three attempts in all, so `work` must not have effects outside the transaction.
   * @throws DatabaseFailure, `unknown_outcome` when the COMMIT was not answered (never retried); any error of `work`.
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** Checks a round trip to the database. */
  ping(): Promise<void>;
  /** Calls `listener` after each outage of the database, until the returned function is called. */
  onReconnect(listener: () => void): () => void;
  /** Closes all connections; waits at most 5 seconds for running statements. */
  close(): Promise<void>;
  readonly pool: pg.Pool;
}

/** Called with the name of every statement that is sent. */
export type StatementObserver = (name: string) => void;

/** Wraps `send`, which sends the named statement, in a span. */
export type StatementTracer = <T>(name: string, send: () => Promise<T>) => Promise<T>;

export interface DatabaseOptions {
  readonly connection: ClientConfig;
  readonly poolSize: number;
  /** The time limit of one statement. A lock is waited for at most half as long. */
  readonly statementTimeoutSeconds: number;
  readonly log: Log;
  readonly observe?: StatementObserver | undefined;
  readonly trace?: StatementTracer | undefined;
  /** The statement that every transaction of the current request runs first; null for none. */
  readonly firstStatement?: (() => BoundStatement | null) | undefined;
}

export interface BoundStatement {
  readonly statement: Statement<readonly unknown[], unknown>;
  readonly params: readonly unknown[];
}

const CLOSE_MS = 5_000;
const ATTEMPTS = 3;

// Counts and durations fit in 2^53; a bigint column is a number here.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

/** Opens a pool. Connects on the first statement. */
export function openDatabase(options: DatabaseOptions): Database {
  const { log, observe = () => {}, trace } = options;
  const outages = watchForOutages(options.connection, log);
  const { pool, connect: connectToPrimary, replaceConnections } = openPool(options, () => outages.suspect());

  const send = async <Params extends readonly unknown[], Row>(
    client: pg.PoolClient,
    { name, text }: Statement<Params, Row>,
    params: Readonly<Params>,
  ): Promise<Row[]> => {
    throwIfAbandoned();
    observe(name);
    const query = () => client.query({ name, text, values: [...params] });
    const { rows } = await (trace === undefined ? query() : trace(name, query));
    return rows as Row[];
  };

  const connect = async (): Promise<pg.PoolClient> => {
    throwIfAbandoned();
    return connectToPrimary();
  };

  const attempt = async <T>(work: (tx: Transaction) => Promise<T>): Promise<T> => {
    const last: (() => Promise<void>)[] = [];
    const committed: (() => void)[] = [];
    const tx: Transaction = {
      run: (statement, params) => send(client, statement, params),
      beforeCommit: (action) => last.push(action),
      afterCommit: (action) => committed.push(action),
    };
    const client = await connect();
    let reusable = false;
    let result: T;
    try {
      await client.query('begin');
      const first = options.firstStatement?.() ?? null;
      if (first !== null) await tx.run(first.statement, first.params);
      result = await work(tx);
      for (const action of last) await action();
      throwIfAbandoned();
      await commit(client);
      reusable = true;
    } catch (error) {
      reusable = await rollBack(client, error);
      throw error;
    } finally {
      client.release(!reusable);
    }
    for (const action of committed) {
      try {
        action();
      } catch (error) {
        log.error({ err: error }, 'an action after a commit failed; the next sweep repeats it');
      }
    }
    return result;
  };

  const failureOf = (error: unknown): unknown => {
    const failure = databaseFailureOf(error);
    if (!(failure instanceof DatabaseFailure)) return failure;
    if (failure.kind === 'read_only') replaceConnections();
    if (isConnectionLost(failure.cause)) outages.suspect();
    return failure;
  };

  const run: Database['run'] = async (statement, params) => {
    let client: pg.PoolClient | undefined;
    let broken = false;
    try {
      client = await connect();
      return await send(client, statement, params);
    } catch (error) {
      broken = isConnectionLost(error);
      throw failureOf(error);
    } finally {
      client?.release(broken);
    }
  };

  return {
    pool,
    run,
    async transaction(work) {
      for (let tried = 1; ; tried++) {
        try {
          return await attempt(work);
        } catch (error) {
          if (tried >= ATTEMPTS || !isConflict(error)) throw failureOf(error);
        }
      }
    },
    async ping() {
      await run({ name: 'ping', text: 'select 1' }, []);
    },
    onReconnect: outages.onReconnect,
    async close() {
      outages.stop();
      const ended = pool.end();
      await Promise.race([ended, sleep(CLOSE_MS, undefined, { ref: false })]);
    },
  };
}

/** A request that was abandoned sends no further statement. */
function throwIfAbandoned(): void {
  const signal = requestScope()?.signal ?? null;
  if (signal !== null && abandoned(signal)) throw signal.reason;
}

async function commit(client: pg.PoolClient): Promise<void> {
  const { command } = await client.query('commit').catch((error: unknown) => {
    throw mayHaveCommitted(error) ? new DatabaseFailure('unknown_outcome', error) : error;
  });
  // PostgreSQL answers ROLLBACK, without an error, when a statement had failed and `work` ignored it.
  if (command !== 'COMMIT')
    throw new Error('The transaction had failed before its COMMIT; nothing was stored');
}

/** Rolls back after `error`. Returns whether the connection can be used again. */
async function rollBack(client: pg.PoolClient, error: unknown): Promise<boolean> {
  if (isConnectionLost(error) || error instanceof DatabaseFailure) return false;
  return client.query('rollback').then(
    () => true,
    () => false,
  );
}

/** The row of a statement that always returns one. */
export function single<Row>([row]: readonly Row[]): Row {
  if (row === undefined) throw new Error('The statement returned no row');
  return row;
}

/** Whether an error is PostgreSQL's unique violation, of the named constraint or index if one is given. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  return (
    error instanceof pg.DatabaseError &&
    error.code === '23505' &&
    (constraint === undefined || error.constraint === constraint)
  );
}

/** The name, which differs from a new one by its case alone, that the unique violation is about; null for any other error. */
export const takenAs = (error: unknown): string | null =>
  error instanceof pg.DatabaseError && isUniqueViolation(error) ? error.hint || null : null;
