import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { abandoned, requestScope } from '#server/request-scope.ts';
import {
  DatabaseFailure,
  databaseFailureOf,
  isConflict,
  isConnectionLost,
  mayHaveCommitted,
} from './database-failure.ts';
import type { Log } from './log.ts';
import { watchForOutages } from './outage-watch.ts';

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
  readonly connection: pg.ClientConfig;
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

/** How long a request waits for a connection: a free one of the pool, or a new one. */
const CONNECTION_WAIT_MS = 5_000;
const IDLE_MS = 60_000;
/** Bounded, so that a changed DNS entry or role setting takes effect. */
const LIFETIME_SECONDS = 30 * 60;
/** A transaction waits only for the database, so an idle one belongs to a server that is paused or not responding. */
const IDLE_IN_TRANSACTION_MS = 5_000;
/** How long after its time limit a statement waits for PostgreSQL's answer before the connection counts as broken. */
const GRACE_MS = 5_000;
const CLOSE_MS = 5_000;
const ATTEMPTS = 3;

// Counts and durations fit in 2^53; a bigint column is a number here.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

/** Opens a pool. Connects on the first statement. */
export function openDatabase(options: DatabaseOptions): Database {
  const { log, observe = () => {}, trace } = options;
  const pool = openPool(options);
  const outages = watchForOutages(options.connection, log);
  // An idle connection that breaks is replaced by the pool.
  pool.on('error', () => outages.suspect());

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
    return pool.connect();
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
    if (failure instanceof DatabaseFailure && isConnectionLost(failure.cause)) outages.suspect();
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

function openPool({ connection, poolSize, statementTimeoutSeconds }: DatabaseOptions): pg.Pool {
  const limit = statementTimeoutSeconds * 1_000;
  // Set after connecting: poolers such as PgBouncer refuse these as startup parameters.
  const limits = `select set_config('statement_timeout', '${limit}', false),
    set_config('lock_timeout', '${limit / 2}', false),
    set_config('idle_in_transaction_session_timeout', '${IDLE_IN_TRANSACTION_MS}', false)`;
  const pool = new pg.Pool({
    ...connection,
    max: poolSize,
    connectionTimeoutMillis: CONNECTION_WAIT_MS,
    query_timeout: limit + GRACE_MS,
    idleTimeoutMillis: IDLE_MS,
    maxLifetimeSeconds: LIFETIME_SECONDS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    onConnect: async (client) => {
      const query: pg.QueryConfig & { query_timeout: number } = {
        text: limits,
        query_timeout: CONNECTION_WAIT_MS,
      };
      await client.query(query);
    },
  });
  // Without a listener, an error of a connection in use would end the process.
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
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
