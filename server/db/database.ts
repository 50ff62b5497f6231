import pg from 'pg';

/** A named, prepared SQL statement with the types of its parameters and rows. Texts live in `store.ts` files only. */
export interface Statement<Params extends readonly unknown[], Row> {
  readonly name: string;
  readonly text: string;
  /** Only for the types: never set. */
  readonly types?: { params: Params; row: Row };
}

/**
 * Declares a statement. `name` is unique in the server (it is what PostgreSQL caches the plan under) and is shown in
 * logs and metrics; `text` uses `$1`… for its parameters.
 */
export function statement<Params extends readonly unknown[], Row = Record<string, never>>(
  name: string,
  text: string,
): Statement<Params, Row> {
  return { name, text };
}

/** Something that can run statements: the pool, or one open transaction. */
export interface Executor {
  /** Runs a statement and gives its rows. Errors of the database pass through as pg's `DatabaseError`. */
  run<Params extends readonly unknown[], Row>(
    statement: Statement<Params, Row>,
    params: Params,
  ): Promise<Row[]>;
}

/** An open transaction. Passed to whoever works within it; never reached for. */
export interface Transaction extends Executor {
  /** Registers what happens once this transaction has committed (signals); not called when it rolls back. */
  afterCommit(action: () => void): void;
}

export interface Database extends Executor {
  /**
   * Runs `work` in one READ COMMITTED transaction: commits when it resolves, rolls back when it throws. Deadlocks and
   * serialisation failures are tried again, at most three times, so `work` must not have effects outside of it.
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** Checks a round trip to the database. */
  ping(): Promise<void>;
  /** Ends all connections. */
  close(): Promise<void>;
  readonly pool: pg.Pool;
}

/** Told of every statement that is sent, by name: for metrics, and for tests that count. */
export type StatementObserver = (name: string) => void;

const RETRIED = new Set(['40001', '40P01']);
const ATTEMPTS = 3;

// Counts and durations fit in 2^53; a bigint column is a number here.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

/** Opens a pool. Nothing is connected before the first statement. */
export function openDatabase(config: pg.PoolConfig, observe: StatementObserver = () => {}): Database {
  const pool = new pg.Pool(config);
  // An idle connection that dies is replaced by the pool; the statement that needs one reports the failure.
  pool.on('error', () => {});
  const send = async <Row>(
    client: pg.Pool | pg.PoolClient,
    { name, text }: { name: string; text: string },
    values: readonly unknown[],
  ): Promise<Row[]> => {
    observe(name);
    const result = await client.query({ name, text, values: [...values] });
    return result.rows as Row[];
  };

  const attempt = async <T>(work: (tx: Transaction) => Promise<T>): Promise<T> => {
    const client = await pool.connect();
    const committed: (() => void)[] = [];
    let broken: Error | undefined;
    try {
      await client.query('begin');
      const result = await work({
        run: (s, params) => send(client, s, params),
        afterCommit: (action) => committed.push(action),
      });
      await client.query('commit');
      for (const action of committed) action();
      return result;
    } catch (error) {
      await client.query('rollback').catch((failure: Error) => {
        broken = failure;
      });
      throw error;
    } finally {
      client.release(broken);
    }
  };

  return {
    pool,
    run: (s, params) => send(pool, s, params),
    async transaction(work) {
      for (let tried = 1; ; tried++) {
        try {
          return await attempt(work);
        } catch (error) {
          const code = error instanceof pg.DatabaseError ? error.code : undefined;
          if (tried >= ATTEMPTS || code === undefined || !RETRIED.has(code)) throw error;
        }
      }
    },
    async ping() {
      await pool.query('select 1');
    },
    close: () => pool.end(),
  };
}

/** Whether an error is PostgreSQL's unique violation, of the named constraint or index if one is given. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  return (
    error instanceof pg.DatabaseError &&
    error.code === '23505' &&
    (constraint === undefined || error.constraint === constraint)
  );
}
