import type { AppContext } from '#server/context.ts';
import type { Outcome } from '#server/destinations/destination-type.ts';
import type { Claim } from '#server/features/deliveries/claim.ts';
import * as deliveries from '#server/features/deliveries/service.ts';
import type { DeliveryOutcome, WakeCause } from '#server/observe/metrics.ts';
import { subjects } from '#server/signals/bus.ts';
import { createDeadlines } from './deadlines.ts';
import { DeliveryLost, retryUntilStored, runDelivery } from './delivery-run.ts';
import { createKeyedQueue } from './keyed-queue.ts';
import { logFailure } from './log-failure.ts';

/** The deliveries that one server makes at the same time. */
const MAX_DELIVERIES = 32;
/** The claims at the same time, so that the dispatcher leaves database connections for requests. */
const MAX_CLAIMS = 4;
/** Leases last 4 seconds. */
const RENEW_MS = 1_000;
/** How long after its end a lease is checked: clocks and timers are not exact. */
const LEASE_MARGIN_MS = 50;
/** After the database was down all leases have expired; their owners renew them first. */
const OWNERS_FIRST_MS = 1_000;

const METRIC_OUTCOMES: Readonly<Record<Outcome['status'], DeliveryOutcome>> = {
  SUCCEEDED: 'succeeded',
  FAILED: 'failed',
  TIMED_OUT: 'timed_out',
  RUNNING: 'left_running',
};

export interface Dispatcher {
  start(): Promise<void>;
  /** Aborts the deliveries, expires their leases so that other servers take over, and waits until none runs. */
  stop(): Promise<void>;
}

interface InFlight {
  readonly claim: Claim;
  readonly abort: AbortController;
}

/**
 * Delivers queued releases. A signal, the end of a delivery and the sweep all do the same: they check a destination and start
 * what the database allows. The state in memory is never authoritative.
 */
export function createDispatcher(app: AppContext): Dispatcher {
  const owner = app.newId();
  const inFlight = new Map<string, InFlight>();
  const tasks = new Set<Promise<void>>();
  let stopped = true;
  let skipped = false;
  let databaseBackAt = Number.NEGATIVE_INFINITY;
  let renewTimer: NodeJS.Timeout | undefined;
  let sweepTimer: NodeJS.Timeout | undefined;
  let unsubscribe: (() => void)[] = [];

  /** Logs a failure and leaves the rest to the next sweep. */
  const attempt = (what: string, work: () => Promise<unknown>): Promise<void> =>
    work().then(
      () => {},
      (error: unknown) => logFailure(app.log, error, {}, `could not ${what}; retrying with the next sweep`),
    );
  const background = (what: string, work: () => Promise<unknown>): void => {
    const task = attempt(what, work).finally(() => tasks.delete(task));
    tasks.add(task);
  };

  /** Counts the claims and the take-over that may be under way, so that the limit holds. */
  const isFull = (): boolean => inFlight.size + MAX_CLAIMS + 1 > MAX_DELIVERIES;

  const destinations = createKeyedQueue(MAX_CLAIMS, (destinationId) =>
    attempt('start a release', async () => {
      if (stopped || app.clockCheck.problem() !== null) return;
      if (isFull()) {
        skipped = true;
        return;
      }
      const next = await deliveries.claimNext(app, owner, destinationId);
      if (next === null) return;
      if ('occupiedUntil' in next) gracePeriods.set(next.releaseId, next.occupiedUntil);
      else deliver(next);
    }),
  );

  const deliver = (claim: Claim): void => {
    const { releaseId } = claim.delivery;
    const entry: InFlight = { claim, abort: new AbortController() };
    // A destination runs one release at a time, so an earlier one has ended or was lost, and its delivery has not noticed yet.
    for (const { claim: earlier, abort } of inFlight.values()) {
      if (earlier.destinationId === claim.destinationId)
        abort.abort(new DeliveryLost('the release has ended'));
    }
    inFlight.set(releaseId, entry);
    if (stopped) entry.abort.abort(new DeliveryLost('the server is stopping'));
    renewTimer ??= setInterval(() => background('renew leases', renew), RENEW_MS);
    background('deliver a release', async () => {
      let outcome: DeliveryOutcome = 'given_up';
      app.metrics.deliveryBegun();
      try {
        const ended = await app.tracing.span('deliver a release', { 'forage.release': releaseId }, () =>
          runDelivery(app, claim, entry.abort.signal),
        );
        await storeOutcome(claim, ended, entry.abort.signal);
        outcome = METRIC_OUTCOMES[ended.status];
      } catch (error) {
        if (!(error instanceof DeliveryLost)) throw error;
        app.log.info({ releaseId }, 'delivery aborted: cancelled, taken over, or the server is stopping');
      } finally {
        app.metrics.deliveryEnded(outcome);
        removeInFlight(releaseId, entry);
      }
    });
  };

  const removeInFlight = (releaseId: string, entry: InFlight): void => {
    if (inFlight.get(releaseId) === entry) inFlight.delete(releaseId);
    if (inFlight.size === 0) {
      clearInterval(renewTimer);
      renewTimer = undefined;
    }
    void destinations.add(entry.claim.destinationId);
    if (skipped) void sweep('missed');
    skipped = false;
  };

  const storeOutcome = (claim: Claim, outcome: Outcome, signal: AbortSignal): Promise<void> =>
    retryUntilStored(signal, async () => {
      const { releaseId } = claim.delivery;
      if (outcome.status !== 'RUNNING') {
        await deliveries.finish(app, { releaseId, fence: claim.fence, outcome });
        return;
      }
      const deadline = await deliveries.markRunning(app, claim, true);
      if (deadline !== null) deadlines.set(releaseId, deadline);
    });

  const renew = async (): Promise<void> => {
    const held = [...inFlight.values()];
    if (held.length === 0) return;
    const ids = held.map(({ claim }) => ({ id: claim.delivery.releaseId, attempt: claim.fence.attempt }));
    const owned = await deliveries.renewLeases(app, owner, ids);
    for (const { claim, abort } of held) {
      if (!owned.has(claim.delivery.releaseId)) abort.abort(new DeliveryLost('the lease has expired'));
    }
  };

  const takeOvers = createKeyedQueue(1, (releaseId) =>
    attempt('take a release over', async () => {
      // While this server is full, others take it over, or its own next sweep does.
      if (stopped || inFlight.has(releaseId) || isFull()) return;
      const claim = await deliveries.takeOver(app, owner, releaseId);
      if (claim !== null) deliver(claim);
    }),
  );

  const deadlines = createDeadlines(app.clock, (id) =>
    background('time a release out', () => deliveries.timeOut(app, id)),
  );
  const leaseEnds = createDeadlines(app.clock, (id) => void takeOvers.add(id));
  const gracePeriods = createDeadlines(app.clock, (id) =>
    background('free a destination', () => deliveries.endGracePeriod(app, id)),
  );

  const sweeps = createKeyedQueue(1, () =>
    attempt('find queued releases', async () => {
      await app.clockCheck.measure();
      for (const { kind, releaseId, destinationId, deadlineAt, leaseMs } of await deliveries.findWork(app)) {
        if (stopped) return;
        if (kind === 'queued') void destinations.add(destinationId);
        else if (releaseId !== null && deadlineAt !== null) {
          (kind === 'occupied' ? gracePeriods : deadlines).set(releaseId, deadlineAt);
        } else if (releaseId !== null && leaseMs !== null && !inFlight.has(releaseId)) {
          const now = app.clock.now().getTime();
          const check = Math.max(
            now + leaseMs + (leaseMs > 0 ? LEASE_MARGIN_MS : 0),
            databaseBackAt + OWNERS_FIRST_MS,
          );
          leaseEnds.set(releaseId, new Date(check));
        }
      }
    }),
  );
  const sweep = async (cause: WakeCause): Promise<void> => {
    if (stopped) return;
    app.metrics.woken('dispatcher', cause);
    // The same key for all causes: a sweep that is running may have missed what this one should find, so it runs again.
    await sweeps.add('sweep');
  };

  return {
    async start() {
      stopped = false;
      unsubscribe = [
        // One server receives it; while that one is full, the sweeps of the others find the release.
        app.bus.share(subjects.releaseQueued, (releaseId) => {
          app.metrics.woken('dispatcher', 'signal');
          background('find the destination of a release', async () => {
            const destinationId = await deliveries.findDestinationId(app, releaseId);
            if (destinationId !== undefined) await destinations.add(destinationId);
          });
        }),
        app.bus.onMissed(() => void sweep('missed')),
        app.db.onReconnect(() => {
          databaseBackAt = app.clock.now().getTime();
          background('renew leases', renew);
          void sweep('missed');
        }),
      ];
      await sweep('start');
      sweepTimer = setInterval(() => void sweep('sweep'), app.config.sweepSeconds * 1000);
    },
    async stop() {
      if (stopped) return;
      stopped = true;
      for (const end of unsubscribe) end();
      clearInterval(sweepTimer);
      deadlines.stop();
      leaseEnds.stop();
      gracePeriods.stop();
      for (const { abort } of inFlight.values()) abort.abort(new DeliveryLost('the server is stopping'));
      await sweeps.idle();
      await destinations.idle();
      await takeOvers.idle();
      while (tasks.size > 0) await Promise.all(tasks);
      // While the database is down they expire without this.
      await deliveries
        .expireLeases(app, owner)
        .catch((error: unknown) =>
          app.log.warn(
            { err: error },
            'could not hand deliveries over; other servers wait for the leases to expire',
          ),
        );
    },
  };
}
