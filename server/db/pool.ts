import pg from 'pg';
import { type ClientConfig, DatabaseClient, onReadOnly, requireWritable } from './client.ts';

/** How long a request waits for a connection: a free one of the pool, or a new one. */
const CONNECTION_WAIT_MS = 5_000;
const IDLE_MS = 60_000;
/** Bounded, so that a changed DNS entry or role setting takes effect. */
const LIFETIME_SECONDS = 30 * 60;
/** A transaction waits only for the database, so an idle one belongs to a server that is paused or not responding. */
const IDLE_IN_TRANSACTION_MS = 5_000;
/** How long after its time limit a statement waits for PostgreSQL's answer before the connection counts as broken. */
const GRACE_MS = 5_000;

export interface PoolOptions {
  readonly connection: ClientConfig;
  readonly poolSize: number;
  readonly statementTimeoutSeconds: number;
}

export interface Pool {
  readonly pool: pg.Pool;
  /** A connection to a server that accepted writes when it was last seen, which the caller releases. */
  connect(): Promise<pg.PoolClient>;
  /** Lets no connection that is open now be used again: after a failover they lead to the former primary. */
  replaceConnections(): void;
}

/** Opens a pool; `suspect` is called when its server may be unavailable. Connects on the first use. */
export function openPool(
  { connection, poolSize, statementTimeoutSeconds }: PoolOptions,
  suspect: () => void,
): Pool {
  const limit = statementTimeoutSeconds * 1_000;
  // Set after connecting: some poolers refuse these as startup parameters.
  const limits = `select set_config('statement_timeout', '${limit}', false),
    set_config('lock_timeout', '${limit / 2}', false),
    set_config('idle_in_transaction_session_timeout', '${IDLE_IN_TRANSACTION_MS}', false)`;
  const pool = new pg.Pool({
    ...connection,
    // The types of pg give the constructor no argument.
    Client: DatabaseClient as unknown as new () => pg.ClientBase,
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
      await requireWritable(client);
    },
  });
  // An idle connection that breaks is replaced by the pool.
  pool.on('error', suspect);

  let generation = 0;
  const generations = new WeakMap<pg.PoolClient, number>();
  const replaceConnections = () => {
    generation++;
  };
  pool.on('connect', (client) => {
    generations.set(client, generation);
    onReadOnly(client, () => {
      replaceConnections();
      suspect();
    });
  });
  return {
    pool,
    replaceConnections,
    async connect() {
      for (;;) {
        const client = await pool.connect();
        if (generations.get(client) === generation) return client;
        client.release(true);
      }
    },
  };
}
