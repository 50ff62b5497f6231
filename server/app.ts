import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { v7 } from 'uuid';
import type { Config } from './config.ts';
import type { AppContext, Clock } from './context.ts';
import { onceThere, patiently } from './db/arrival.ts';
import { type Target, targetOf } from './db/connection.ts';
import { openDatabase, type StatementObserver } from './db/database.ts';
import { startEmbedded } from './db/embedded/index.ts';
import { MIGRATIONS, migrate, readMigrations } from './db/migrate.ts';
import { applicationName } from './db/peers.ts';
import { createReadiness } from './db/readiness.ts';
import { createDestinationTypes } from './destinations/registry.ts';
import { targetRules } from './destinations/target.ts';
import { stillAdmin } from './features/access/service.ts';
import { sealStoredSecrets } from './features/destinations/secrets-service.ts';
import { countWaitingGates } from './features/gate/waiting-service.ts';
import { signInListener } from './features/oidc/http-handlers.ts';
import { ensureSetUpToken } from './features/sessions/service.ts';
import { frontDoor } from './http/front-door.ts';
import { listen } from './http/listen.ts';
import { operatingListener } from './http/operating.ts';
import { staticHandler } from './http/static.ts';
import { readTls, tellValidity } from './http/tls.ts';
import { createLog } from './observe/log.ts';
import { createMetrics } from './observe/metrics.ts';
import { startTracing } from './observe/tracing.ts';
import { serverStops } from './request-scope.ts';
import { rpcListener } from './rpc/listener.ts';
import { openKeyring } from './secrets/open-keyring.ts';
import type { Bus } from './signals/bus.ts';
import { createInProcessBus } from './signals/in-process.ts';
import { createNatsBus } from './signals/nats.ts';
import { type Coordinator, createCoordinator } from './workers/coordinator.ts';
import { createDispatcher } from './workers/dispatcher.ts';
import { startHousekeeping } from './workers/housekeeping.ts';
import { watchForPeers } from './workers/peer-watch.ts';

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
  /**
   * Reads the certificate and its key again, for connections from now on. Nothing without TLS.
   * @throws ConfigError when a file is missing or wrong; the former certificate then stays.
   */
  renewTls(): void;
  /** Ends requests, work in progress and the database, in this order; work that is not finished is taken up at the next start. */
  stop(): Promise<void>;
}

const systemClock: Clock = {
  now: () => new Date(),
  sleep: (milliseconds, signal) => sleep(milliseconds, undefined, { signal }),
};

/**
 * Starts everything: database, migrations, workers, then the port. Resolves when requests are served.
 * @throws EmbeddedStartError, DatabaseStartError, MigrationError or the listener's error; nothing is left running then.
 */
export async function startApp(config: Config, overrides: Overrides = {}): Promise<RunningApp> {
  const log = overrides.log ?? createLog(config.logLevel);
  const stops: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const end of stops.splice(0).reverse()) {
      try {
        await end();
      } catch (error) {
        // The others end all the same: a database that nobody stops would outlive the server.
        log.error({ err: error }, 'a part of the server did not end well');
      }
    }
  };
  try {
    // Before anything is started: a wrong file is a mistake of the place.
    let tls = config.tls && readTls(config.tls);
    const tracing = await startTracing(config.traces, log);
    stops.push(() => tracing.stop());
    const { promise: lost, resolve: lose } = Promise.withResolvers<Error>();
    const serverId = v7();
    const { databaseWaitSeconds, statementTimeoutSeconds } = config;
    const target = await databaseOf(config, log, lose, stops);
    // With the embedded database in its folder, which is this server's alone by now.
    const keyring = await openKeyring(config, { make: true });
    const { connection } = await onceThere(target, databaseWaitSeconds, log, (client) =>
      migrate(client, MIGRATIONS, log),
    );
    const db = openDatabase({
      connection: { ...connection, application_name: applicationName(serverId) },
      poolSize: config.databasePoolSize,
      statementTimeoutSeconds,
      log,
      observe: overrides.observeStatement,
      trace: tracing.statement,
      first: stillAdmin,
    });
    stops.push(() => db.close());

    const bus = busOf(config, applicationName(serverId), log);
    stops.push(() => bus.close());
    const clock = overrides.clock ?? systemClock;
    const stopping = new AbortController();
    let publicUrl = config.publicUrl;
    const context: AppContext = {
      config,
      publicUrl: () => publicUrl ?? '',
      log,
      clock,
      newId: v7,
      newSecret: () => randomBytes(32).toString('base64url'),
      db,
      ready: createReadiness(
        db,
        (await readMigrations(MIGRATIONS)).map(({ name }) => name),
      ),
      keyring,
      bus,
      metrics: createMetrics({
        pool: () => ({
          total: db.pool.totalCount,
          idle: db.pool.idleCount,
          waiting: db.pool.waitingCount,
        }),
        signals: () => bus.state(),
        waiting: () => countWaitingGates(db),
        certificateEnd: config.tls && (() => tls?.validTo ?? new Date(0)),
        now: () => clock.now(),
      }),
      tracing,
      stopping: stopping.signal,
      destinationTypes: createDestinationTypes({
        clock,
        publicUrl: () => publicUrl,
        targets: targetRules(config.webhookAllowPrivate),
        traceHeaders: () => tracing.headers(),
      }),
    };
    await patiently(databaseWaitSeconds, log, () => sealStoredSecrets(context));
    const setUpToken = await patiently(databaseWaitSeconds, log, () => ensureSetUpToken(context));

    const dispatcher = createDispatcher(context);
    const coordinator = createCoordinator(context);
    stops.push(() => dispatcher.stop());
    stops.push(() => coordinator.stop());

    const ending = new AbortController();
    const calls = rpcListener(
      context,
      signInListener(context, staticHandler(config.staticDir, log)),
      ending.signal,
    );
    const door = frontDoor(context, operatingListener(context, calls));
    if (tls !== null) tellValidity(log, tls, clock.now());
    const listener = await listen(door, { host: config.host, port: config.port, tls });
    stops.push(async () => {
      const deadline = performance.now() + config.shutdownSeconds * 1000;
      stopping.abort();
      listener.drain();
      // Whoever balances the load has this long to notice, and to ask the others.
      await sleep(config.drainSeconds * 1000);
      ending.abort(serverStops());
      await listener.close(deadline - performance.now());
    });

    const host =
      listener.address.family === 'IPv6' ? `[${listener.address.address}]` : listener.address.address;
    const url = `${tls === null ? 'http' : 'https'}://${host}:${listener.address.port}`;
    publicUrl ??= url;
    // After the port: what is delivered again at once tells destinations where to report.
    await dispatcher.start();
    await coordinator.start();
    stops.push(startHousekeeping(context));
    // Nobody else uses the embedded database, and with NATS servers hear each other.
    if (config.databaseUrl !== null && config.natsUrl === null) {
      const endWatch = await watchForPeers(context, serverId);
      stops.push(async () => endWatch());
    }
    const renewTls = () => {
      if (config.tls === null) return;
      tls = readTls(config.tls);
      listener.renew(tls);
      tellValidity(log, tls, clock.now());
    };
    return { url, setUpToken, context, coordinator, lost, renewTls, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function busOf(config: Config, name: string, log: Logger): Bus {
  const onError = (error: unknown) => log.error({ err: error }, 'a signal was not handled');
  return config.natsUrl === null
    ? createInProcessBus(onError)
    : createNatsBus({ config, name, log, onError });
}

async function databaseOf(
  config: Config,
  log: Logger,
  lose: (error: Error) => void,
  stops: (() => Promise<void>)[],
): Promise<Target> {
  if (config.databaseUrl !== null) return targetOf(config.databaseUrl);
  const embedded = await startEmbedded({ dataDir: config.dataDir, log, onLost: lose });
  stops.push(() => embedded.stop());
  return { connection: embedded.connection, plainIfNoTls: false };
}
