import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Code, ConnectError } from '@connectrpc/connect';
import pg from 'pg';
import { type Logger, pino } from 'pino';
import { v7 } from 'uuid';
import type { Config } from './config.ts';
import type { AppContext, Clock } from './context.ts';
import { openDatabase, type StatementObserver } from './db/database.ts';
import { startEmbedded } from './db/embedded/index.ts';
import { migrate } from './db/migrate.ts';
import { createDestinationTypes } from './destinations/registry.ts';
import { ensureSetUpToken } from './features/sessions/service.ts';
import { listen } from './http/listen.ts';
import { staticHandler } from './http/static.ts';
import { rpcListener } from './rpc/listener.ts';
import { createInProcessBus } from './signals/in-process.ts';
import { type Coordinator, createCoordinator } from './workers/coordinator.ts';
import { createDispatcher } from './workers/dispatcher.ts';

/** What a test may put in place of the real thing. */
export interface Overrides {
  readonly clock?: Clock;
  readonly log?: Logger;
  readonly observeStatement?: StatementObserver;
}

export interface RunningApp {
  /** The address it listens on, without a trailing slash. */
  readonly url: string;
  /** On an empty server: the one-time token that creates the first admin; else null. */
  readonly setUpToken: string | null;
  readonly context: AppContext;
  readonly coordinator: Coordinator;
  /** Resolves when the app cannot go on (its embedded database was taken away), with the reason. */
  readonly lost: Promise<Error>;
  /** Ends requests, work in progress and the database, in this order; work that is not finished is taken up at the next start. */
  stop(): Promise<void>;
}

const MIGRATIONS = new URL('./db/migrations', import.meta.url).pathname;

const systemClock: Clock = {
  now: () => new Date(),
  sleep: (milliseconds, signal) => sleep(milliseconds, undefined, { signal }),
};

/**
 * Starts everything: database, migrations, workers, then the port. Resolves when requests are served.
 * @throws EmbeddedStartError, MigrationError or the listener's error; nothing is left running then.
 */
export async function startApp(config: Config, overrides: Overrides = {}): Promise<RunningApp> {
  const log = overrides.log ?? pino({ level: config.logLevel });
  const stops: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const end of stops.splice(0).reverse()) await end();
  };
  try {
    const { promise: lost, resolve: lose } = Promise.withResolvers<Error>();
    const connection = await connectionOf(config, log, lose, stops);
    const db = openDatabase(
      { ...connection, max: config.databasePoolSize, connectionTimeoutMillis: 10_000 },
      overrides.observeStatement,
    );
    stops.push(() => db.close());
    await runMigrations(connection, log);

    const bus = createInProcessBus((error) => log.error({ err: error }, 'a signal was not handled'));
    stops.push(() => bus.close());
    const clock = overrides.clock ?? systemClock;
    let publicUrl = config.publicUrl;
    const context: AppContext = {
      config,
      log,
      clock,
      newId: v7,
      newSecret: () => randomBytes(32).toString('base64url'),
      db,
      bus,
      destinationTypes: createDestinationTypes({ clock, publicUrl: () => publicUrl }),
    };
    const setUpToken = await ensureSetUpToken(context);

    const dispatcher = createDispatcher(context);
    const coordinator = createCoordinator(context);
    stops.push(() => dispatcher.stop());
    stops.push(() => coordinator.stop());

    const stopping = new AbortController();
    const handler = rpcListener(context, staticHandler(config.staticDir), stopping.signal);
    const listener = await listen(handler, config.host, config.port);
    stops.push(async () => {
      stopping.abort(new ConnectError('the server is stopping; try again in a moment', Code.Unavailable));
      await listener.close(config.shutdownSeconds * 1000);
    });

    const host =
      listener.address.family === 'IPv6' ? `[${listener.address.address}]` : listener.address.address;
    const url = `http://${host}:${listener.address.port}`;
    publicUrl ??= url;
    // After the port: what is delivered again at once tells destinations where to report.
    await dispatcher.start();
    await coordinator.start();
    return { url, setUpToken, context, coordinator, lost, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function connectionOf(
  config: Config,
  log: Logger,
  lose: (error: Error) => void,
  stops: (() => Promise<void>)[],
): Promise<pg.ClientConfig> {
  if (config.databaseUrl !== null) return { connectionString: config.databaseUrl };
  const embedded = await startEmbedded({ dataDir: config.dataDir, log, onLost: lose });
  stops.push(() => embedded.stop());
  return embedded.connection;
}

async function runMigrations(connection: pg.ClientConfig, log: Logger): Promise<void> {
  const client = new pg.Client(connection);
  await client.connect();
  try {
    await migrate(client, MIGRATIONS, log);
  } finally {
    await client.end();
  }
}
