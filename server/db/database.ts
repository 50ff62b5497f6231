import pg from 'pg';
import { abandoned, requestScope } from '#server/request-scope.ts';
import { DatabaseFailure, databaseFailureOf, isConflict, isLost } from './database-failure.ts';
import { createPresence } from './presence.ts';
import { Session } from './session.ts';

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
  /**
   * Runs a statement and gives its rows. Within a request (`requestScope`) it ends with the request: not sent when nobody
   * waits for the answer any more, cancelled in PostgreSQL when that happens while it runs.
   * @throws DatabaseFailure when the database is away, too busy or too slow; the request's abort reason; PostgreSQL's
   * other errors as pg's `DatabaseError`.
   */
  run<Params extends readonly unknown[], Row>(
    statement: Statement<Params, Row>,
    params: Params,
  ): Promise<Row[]>;
}

/** An open transaction. Passed to whoever works within it; never reached for. One statement at a time. */
export interface Transaction extends Executor {
  /**
   * Sends a statement whose rows nobody needs together with the next one, or with the COMMIT: a round trip less. If it
   * fails, that next one does. For locks before the statement that needs them, and for writes that wait for nobody: what
   * goes with the COMMIT is not cancelled any more.
   */
  send<Params extends readonly unknown[], Row>(statement: Statement<Params, Row>, params: Params): void;
  /**
   * Registers what happens once this transaction has committed (signals); not called when it rolls back. What it throws
   * is logged and fails nothing: the work is stored.
   */
  afterCommit(action: () => void): void;
  /**
   * Registers what is to be sent last, together with the COMMIT: for what many transactions wait for each other with, so
   * that it is held no longer than the COMMIT takes. Once for each `key`; `action` may `send`, and nothing else.
   */
  beforeCommit(key: object, action: () => void): void;
}

export interface Database extends Executor {
  /**
   * Runs `work` in one READ COMMITTED transaction: commits when it resolves, rolls back when it throws. Deadlocks and
   * serialisation failures are tried again, at most three times, so `work` must not have effects outside of it. A
   * transaction whose COMMIT was not answered is never tried again.
   * @throws DatabaseFailure, also `unknown_outcome`; whatever `work` throws.
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** Checks a round trip to the database. */
  ping(): Promise<void>;
  /** Calls `listener` whenever the database has been lost and is there again, until the returned function is called. */
  onBack(listener: () => void): () => void;
  /** Ends all connections. What still runs is cancelled, except a COMMIT under way. */
  close(): Promise<void>;
  readonly pool: pg.Pool;
}

/** Told of every statement that is sent, by name: for metrics, and for tests that count. */
export type StatementObserver = (name: string) => void;

/** Runs `send`, which sends the named statement: for traces. */
export type StatementTracer = <T>(name: string, send: () => Promise<T>) => Promise<T>;

interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface DatabaseOptions {
  readonly connection: pg.ClientConfig;
  readonly poolSize: number;
  /** The longest that one statement may take. Waiting for a lock may take half of it. */
  readonly statementTimeoutSeconds: number;
  readonly log: Log;
  readonly observe?: StatementObserver | undefined;
  readonly trace?: StatementTracer | undefined;
  /** What the transactions of the request at hand have to ask first, together with their first statement. */
  readonly first?: (() => Asked | null) | undefined;
}

/** A statement with its parameters. */
export interface Asked {
  readonly statement: Statement<readonly unknown[], unknown>;
  readonly params: readonly unknown[];
}

/** How long a request waits for a connection: a free one of the pool, or a new one. */
const CONNECTION_WAIT_MS = 5_000;
const IDLE_MS = 60_000;
/** So that servers added behind a name, and settings changed for a role, come into use. */
const LIFETIME_SECONDS = 30 * 60;
/** No transaction waits for anything but the database; one that does nothing belongs to a server that hangs or is paused. */
const IDLE_IN_TRANSACTION_MS = 5_000;
/** Beyond the statement's time limit, which a server that still answers keeps itself. */
const GRACE_MS = 5_000;
const WATCH_MS = 1_000;
const CLOSE_MS = 5_000;
const ATTEMPTS = 3;

// Counts and durations fit in 2^53; a bigint column is a number here.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

/** Opens a pool. Nothing is connected before the first statement. */
export function openDatabase(options: DatabaseOptions): Database {
  const { log, observe = () => {}, trace } = options;
  const pool = openPool(options);
  const presence = createPresence(options.connection, log);
  const sessions = new Set<Session>();
  const listenedTo = new WeakSet<AbortSignal>();

  // An idle connection that dies is replaced by the pool.
  pool.on('error', () => presence.doubt());

  const longest = options.statementTimeoutSeconds * 1_000 + GRACE_MS;
  // A server that is frozen or behind a dead network answers nothing, not even that the time is over.
  const watch = setInterval(() => {
    for (const session of sessions) {
      const since = session.waitingSince();
      if (since !== null && performance.now() - since > longest) session.giveUp(new DatabaseFailure('slow'));
    }
  }, WATCH_MS).unref();

  /** One listener for each request, whatever it runs. */
  const listen = (signal: AbortSignal): void => {
    if (listenedTo.has(signal)) return;
    listenedTo.add(signal);
    const leave = () => {
      if (!abandoned(signal)) return;
      for (const session of sessions) if (session.signal === signal) session.abort(signal.reason);
    };
    signal.addEventListener('abort', leave, { once: true });
  };

  const within = async <T>(work: (session: Session) => Promise<T>): Promise<T> => {
    const signal = requestScope()?.signal ?? null;
    if (signal !== null) listen(signal);
    const session = new Session(pool, signal);
    sessions.add(session);
    try {
      await session.open();
      return await work(session);
    } catch (error) {
      await session.rollback();
      throw error;
    } finally {
      sessions.delete(session);
      session.close();
    }
  };

  const send = async <Row>(
    session: Session,
    { name, text }: { name: string; text: string },
    values: readonly unknown[],
  ): Promise<Row[]> => {
    observe(name);
    const query = { name, text, values: [...values] };
    const { rows } = await (trace === undefined
      ? session.send(query)
      : trace(name, () => session.send(query)));
    return rows as Row[];
  };

  const failed = (error: unknown): unknown => {
    const told = databaseFailureOf(error);
    if (told instanceof DatabaseFailure && isLost(told.cause)) presence.doubt();
    return told;
  };

  const attempt = async <T>(work: (tx: Transaction) => Promise<T>): Promise<T> => {
    const committed: (() => void)[] = [];
    const last = new Map<object, () => void>();
    const result = await within(async (session) => {
      session.begin();
      const putOff: Transaction['send'] = ({ name, text }, params) => {
        observe(name);
        session.putOff({ name, text, values: [...params] });
      };
      const asked = options.first?.() ?? null;
      if (asked !== null) putOff(asked.statement, asked.params);
      const done = await work({
        run: (s, params) => send(session, s, params),
        send: putOff,
        afterCommit: (action) => committed.push(action),
        beforeCommit(key, action) {
          if (!last.has(key)) last.set(key, action);
        },
      });
      for (const action of last.values()) action();
      await session.commit();
      return done;
    });
    for (const action of committed) {
      try {
        action();
      } catch (error) {
        log.error({ err: error }, 'what follows a stored change failed; the next sweep makes up for it');
      }
    }
    return result;
  };

  const run: Database['run'] = async (s, params) => {
    try {
      return await within((session) => send(session, s, params));
    } catch (error) {
      throw failed(error);
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
          if (tried >= ATTEMPTS || !isConflict(error)) throw failed(error);
        }
      }
    },
    async ping() {
      await run({ name: 'ping', text: 'select 1' }, []);
    },
    onBack: presence.onBack,
    async close() {
      clearInterval(watch);
      presence.stop();
      for (const session of sessions) session.abort(new DatabaseFailure('away'));
      const patience = Promise.withResolvers<void>();
      const timer = setTimeout(patience.resolve, CLOSE_MS);
      await Promise.race([pool.end(), patience.promise]);
      clearTimeout(timer);
    },
  };
}

function openPool({ connection, poolSize, statementTimeoutSeconds }: DatabaseOptions): pg.Pool {
  const limit = statementTimeoutSeconds * 1_000;
  // Set once connected: poolers such as PgBouncer refuse these as parameters of the start.
  const limits = `select set_config('statement_timeout', '${limit}', false),
    set_config('lock_timeout', '${limit / 2}', false),
    set_config('idle_in_transaction_session_timeout', '${IDLE_IN_TRANSACTION_MS}', false)`;
  const pool = new pg.Pool({
    ...connection,
    max: poolSize,
    connectionTimeoutMillis: CONNECTION_WAIT_MS,
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
  // The pool listens for errors of idle connections only; one in use would end the process by them.
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

/** Whether an error is PostgreSQL's unique violation, of the named constraint or index if one is given. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  return (
    error instanceof pg.DatabaseError &&
    error.code === '23505' &&
    (constraint === undefined || error.constraint === constraint)
  );
}
