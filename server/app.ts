import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { v7 } from 'uuid';
import type { Config } from './config.ts';
import type { AppContext, Clock } from './context.ts';
import { createClockCheck } from './db/clock-check.ts';
import { connectWhenReady, retryUntilReady, type Target, targetOf } from './db/connect.ts';
import { openDatabase, type StatementObserver } from './db/database.ts';
import { startEmbedded } from './db/embedded/start-embedded.ts';
import { MIGRATIONS, migrate, readMigrations } from './db/migrate.ts';
import { applicationName } from './db/peers.ts';
import { createReadiness } from './db/readiness.ts';
import { createDestinationTypes } from './destinations/registry.ts';
import { targetRules } from './destinations/target.ts';
import { adminCheck } from './features/access/service.ts';
import { countStoredBytes } from './features/artifacts/retention-service.ts';
import { findSharedFiles, shareFiles } from './features/dashboard/files-service.ts';
import { countPlaces } from './features/deliveries/place-service.ts';
import { countWaiting } from './features/deliveries/service.ts';
import { sealStoredSecrets } from './features/destinations/secrets-service.ts';
import { countWaitingGates } from './features/gate/service.ts';
import { signInListener } from './features/oidc/http-handlers.ts';
import { ensureSetUpToken } from './features/sessions/service.ts';
import { dashboardListener, readDashboard, sharedFilesOf } from './http/dashboard-files.ts';
import { everyRequest } from './http/every-request.ts';
import { listen } from './http/listen.ts';
import { operatingListener } from './http/operating.ts';
import { logValidity, readTls } from './http/tls.ts';
import { LONGEST_TIMER_MS } from './limits.ts';
import { createLog } from './observe/log.ts';
import { createMetrics } from './observe/metrics.ts';
import { startTracing } from './observe/tracing.ts';
import { serverShutdown } from './request-scope.ts';
import { rpcListener } from './rpc/listener.ts';
import { openKeyring } from './secrets/open-keyring.ts';
import type { Bus } from './signals/bus.ts';
import { createInProcessBus } from './signals/in-process.ts';
import { createNatsBus } from './signals/nats.ts';
import { StreamReads } from './wire/stream-reads.ts';
import { type Coordinator, createCoordinator } from './workers/coordinator.ts';
import { createDispatcher } from './workers/dispatcher.ts';
import { startHousekeeping, watchForPeers } from './workers/periodic.ts';

/** Replacements for tests. */
export interface Overrides {
  readonly clock?: Clock;
  readonly log?: Logger;
  readonly observeStatement?: StatementObserver;
}

export interface RunningApp {
  /** The URL that it listens on, without a trailing slash. */
  readonly url: string;
  /** On a server without users: the one-time token that creates the first admin; otherwise null. */
  readonly setUpToken: string | null;
  readonly context: AppContext;
  readonly coordinator: Coordinator;
  /** Resolves with the reason when the app cannot continue, because its embedded database is lost. */
  readonly lost: Promise<Error>;
  /**
   * Reloads the certificate and its key for new connections; does nothing without TLS.
   * @throws ConfigError when a file is missing or invalid; the previous certificate is then kept
   */
  renewTls(): void;
  /** Stops requests, workers and the database, in this order. Unfinished work continues after the next start. */
  stop(): Promise<void>;
}

const systemClock: Clock = {
  now: () => new Date(),
  async sleep(milliseconds, signal) {
    let left = milliseconds;
    do {
      await sleep(Math.min(left, LONGEST_TIMER_MS), undefined, { signal });
      left -= LONGEST_TIMER_MS;
    } while (left > 0);
  },
};

/**
 * Starts the database, migrations, workers and the port, in this order. Resolves when requests are served.
 * @throws EmbeddedStartError, DatabaseStartError, MigrationError or the listener's error, after stopping everything
 */
export async function startApp(config: Config, overrides: Overrides = {}): Promise<RunningApp> {
  const log = overrides.log ?? createLog(config.logLevel);
  const stops: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const end of stops.splice(0).reverse()) {
      try {
        await end();
      } catch (error) {
        // Continue, so that the embedded database does not outlive the server.
        log.error({ err: error }, 'Error during shutdown');
      }
    }
  };
  try {
    // First, to fail fast on a misconfigured certificate.
    let tls = config.tls && readTls(config.tls);
    const tracing = await startTracing(config.traces, log);
    stops.push(() => tracing.stop());
    const { promise: lost, resolve: lose } = Promise.withResolvers<Error>();
    const serverId = v7();
    const { databaseWaitSeconds, statementTimeoutSeconds } = config;
    const target = await databaseOf(config, log, lose, stops);
    // After the embedded database, whose start locks the data folder for this server.
    const keyring = await openKeyring(config, { make: true });
    const { connection } = await connectWhenReady(target, databaseWaitSeconds, log, (client) =>
      migrate(client, MIGRATIONS, log),
    );
    const db = openDatabase({
      connection: { ...connection, application_name: applicationName(serverId) },
      poolSize: config.databasePoolSize,
      statementTimeoutSeconds,
      log,
      observe: overrides.observeStatement,
      trace: tracing.statement,
      firstStatement: adminCheck,
    });
    stops.push(() => db.close());

    const bus = busOf(config, applicationName(serverId), log);
    stops.push(() => bus.close());
    const clock = overrides.clock ?? systemClock;
    const clockCheck = createClockCheck(db, log);
    await clockCheck.measure();
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
      streamReads: new StreamReads(),
      ready: createReadiness(
        db,
        (await readMigrations(MIGRATIONS)).map(({ name }) => name),
      ),
      clockCheck,
      keyring,
      bus,
      metrics: createMetrics({
        pool: db.pool,
        signals: () => bus.state(),
        waiting: () => countWaitingGates(db),
        places: () => countPlaces(db),
        deliveries: () => countWaiting(db),
        storedBytes: () => countStoredBytes(db),
        clockDifference: clockCheck.difference,
        certificateEnd: config.tls && (() => tls?.validTo ?? new Date(0)),
        now: () => clock.now(),
      }),
      tracing,
      stopping: stopping.signal,
      destinationTypes: createDestinationTypes({
        clock,
        publicUrl: () => publicUrl,
        targets: targetRules(config.webhookAllowPrivate),
        answerSeconds: config.webhookAnswerSeconds,
        traceHeaders: () => tracing.headers(),
      }),
    };
    await retryUntilReady(databaseWaitSeconds, log, () => sealStoredSecrets(context));
    const setUpToken = await retryUntilReady(databaseWaitSeconds, log, () => ensureSetUpToken(context));

    const dashboard = readDashboard(config.staticDir, log);
    const shared = sharedFilesOf(dashboard ?? new Map());
    // Before any browser gets a page that needs them.
    await retryUntilReady(databaseWaitSeconds, log, () => shareFiles(context, shared));

    const dispatcher = createDispatcher(context);
    const coordinator = createCoordinator(context);
    stops.push(() => dispatcher.stop());
    stops.push(() => coordinator.stop());

    const ending = new AbortController();
    const calls = rpcListener(
      context,
      signInListener(
        context,
        dashboardListener(dashboard, (paths) => findSharedFiles(context, paths)),
      ),
      ending.signal,
    );
    const serve = everyRequest(context, operatingListener(context, calls));
    if (tls !== null) logValidity(log, tls, clock.now());
    const listener = await listen(serve, {
      host: config.host,
      port: config.port,
      tls,
      requestSeconds: config.bodySeconds,
    });
    stops.push(async () => {
      const deadline = performance.now() + config.shutdownSeconds * 1000;
      stopping.abort();
      listener.drain();
      // Gives load balancers time to notice and to use other servers.
      await sleep(config.drainSeconds * 1000);
      ending.abort(serverShutdown());
      await listener.close(deadline - performance.now());
    });

    const { address, family, port } = listener.address;
    const host = family === 'IPv6' ? `[${address}]` : address;
    const url = `${tls === null ? 'http' : 'https'}://${host}:${port}`;
    publicUrl ??= url;
    // After the port is known: deliveries that start immediately contain the URL for reports.
    await dispatcher.start();
    await coordinator.start();
    stops.push(startHousekeeping(context, shared));
    // With NATS servers reach each other, and the embedded database has one server only.
    if (config.databaseUrl !== null && config.natsUrl === null) {
      stops.push(watchForPeers(context, serverId));
    }
    const renewTls = () => {
      if (config.tls === null) return;
      tls = readTls(config.tls);
      listener.renew(tls);
      logValidity(log, tls, clock.now());
    };
    return { url, setUpToken, context, coordinator, lost, renewTls, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function busOf(config: Config, name: string, log: Logger): Bus {
  const onError = (error: unknown) => log.error({ err: error }, 'Error in a signal handler');
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
