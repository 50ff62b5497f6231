import type { AppContext } from '#server/context.ts';
import type { Outcome } from '#server/destinations/destination-type.ts';
import { createFairLimit } from '#server/fair-limit.ts';
import type { Claim } from '#server/features/deliveries/claim.ts';
import * as deliveries from '#server/features/deliveries/service.ts';
import type { DeliveryOutcome, WakeCause } from '#server/observe/metrics.ts';
import { subjects } from '#server/signals/bus.ts';
import { createBatches } from './batches.ts';
import { createDeadlines } from './deadlines.ts';
import { DeliveryLost, retryUntilStored, runDelivery, type Write } from './delivery-run.ts';
import { DeliveriesInFlight, type InFlight } from './in-flight.ts';
import { createKeyedQueue } from './keyed-queue.ts';
import { logFailure } from './log-failure.ts';

/** The claims and take-overs at the same time, so that the dispatcher leaves database connections for requests. */
const MAX_CLAIMS = 4;
/** The releases of one stage that one claim starts at most; its gate is checked once for all of them. */
const MAX_PER_CLAIM = 50;
/** The writes of deliveries at the same time (started, log lines, outcomes), for the same reason. */
const MAX_WRITES = 4;
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

/**
 * Delivers queued releases, of each organisation in turn. A delivery that waits for its receiver's answer holds no place that another
 * organisation's needs. A signal, the end of a delivery and the sweep all do the same: they check a destination and start
 * what the database allows. The state in memory is never authoritative.
 */
export function createDispatcher(app: AppContext): Dispatcher {
  const owner = app.newId();
  const inFlight = new DeliveriesInFlight();
  const claims = createFairLimit(MAX_CLAIMS);
  const writes = createFairLimit(MAX_WRITES);
  /** Destinations whose organisations had no room for another delivery, by organisation. */
  const postponed = new Map<string, Set<string>>();
  const tasks = new Set<Promise<void>>();
  let stopped = true;
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

  const destinations = createKeyedQueue(claims, (destinationId, organisationId) =>
    attempt('start a release', async () => {
      if (stopped || app.clockCheck.problem() !== null) return;
      const count = Math.min(MAX_PER_CLAIM, inFlight.room(organisationId));
      if (count === 0) {
        postpone(destinationId, organisationId);
        return;
      }
      inFlight.reserve(organisationId, count);
      try {
        const next = await deliveries.claimNext(app, owner, destinationId, count);
        if (next !== null && 'occupiedUntil' in next) {
          gracePeriods.set(next.releaseId, next.occupiedUntil, organisationId);
        } else {
          for (const claim of next ?? []) deliver(claim);
        }
      } finally {
        inFlight.reserve(organisationId, -count);
      }
    }).finally(() => resume(MAX_PER_CLAIM)),
  );

  const postpone = (destinationId: string, organisationId: string): void => {
    const waiting = postponed.get(organisationId) ?? new Set();
    postponed.set(organisationId, waiting.add(destinationId));
    app.metrics.deliveryPostponed();
  };

  /**
   * Goes on with one postponed destination of each organisation that has room; its own run goes on with the next one.
   * @param room how many more deliveries an organisation must be able to make: a claim costs little more for many than for one
   */
  const resume = (room: number): void => {
    for (const [organisationId, waiting] of postponed) {
      if (inFlight.room(organisationId) < room) continue;
      const [next] = waiting;
      if (next === undefined) {
        postponed.delete(organisationId);
        continue;
      }
      waiting.delete(next);
      void destinations.add(next, organisationId);
    }
  };

  const deliver = (claim: Claim): void => {
    const { releaseId } = claim.delivery;
    const entry = inFlight.add(claim);
    // It was claimed together with the release of another destination.
    destinations.remove(claim.destinationId);
    if (stopped) entry.abort.abort(new DeliveryLost('the server is stopping'));
    renewTimer ??= setInterval(() => {
      background('renew leases', renew);
      resume(1);
    }, RENEW_MS);
    background('deliver a release', async () => {
      let outcome: DeliveryOutcome = 'given_up';
      app.metrics.deliveryBegun();
      try {
        const ended = await app.tracing.span('deliver a release', { 'forage.release': releaseId }, () =>
          runDelivery(app, claim, entry.abort.signal, write(claim)),
        );
        await storeOutcome(claim, ended, entry.abort.signal);
        outcome = METRIC_OUTCOMES[ended.status];
      } catch (error) {
        if (!(error instanceof DeliveryLost)) throw error;
        app.log.info({ releaseId }, 'delivery aborted: cancelled, taken over, or the server is stopping');
      } finally {
        app.metrics.deliveryEnded(outcome);
        removeInFlight(entry);
      }
    });
  };

  const write =
    ({ organisationId }: Claim): Write =>
    (work) =>
      writes(organisationId, work);

  const removeInFlight = (entry: InFlight): void => {
    inFlight.remove(entry);
    if (inFlight.size === 0) {
      clearInterval(renewTimer);
      renewTimer = undefined;
    }
    const { destinationId, organisationId } = entry.claim;
    void destinations.add(destinationId, organisationId);
    resume(MAX_PER_CLAIM);
  };

  const storeOutcome = (claim: Claim, outcome: Outcome, signal: AbortSignal): Promise<void> =>
    retryUntilStored(signal, () =>
      write(claim)(async () => {
        const { releaseId } = claim.delivery;
        if (outcome.status !== 'RUNNING') {
          await deliveries.finish(app, { releaseId, fence: claim.fence, outcome });
          return;
        }
        const deadline = await deliveries.markRunning(app, claim, true);
        if (deadline !== null) deadlines.set(releaseId, deadline, claim.organisationId);
      }),
    );

  const renew = async (): Promise<void> => {
    const held = inFlight.values();
    if (held.length === 0) return;
    const ids = held.map(({ claim }) => ({ id: claim.delivery.releaseId, attempt: claim.fence.attempt }));
    const owned = await deliveries.renewLeases(app, owner, ids);
    for (const { claim, abort } of held) {
      if (!owned.has(claim.delivery.releaseId)) abort.abort(new DeliveryLost('the lease has expired'));
    }
  };

  const takeOvers = createKeyedQueue(claims, (releaseId, organisationId) =>
    attempt('take a release over', async () => {
      // While this server has no room, others take it over, or its own next sweep does.
      if (stopped || inFlight.has(releaseId) || inFlight.room(organisationId) === 0) return;
      inFlight.reserve(organisationId, 1);
      try {
        const claim = await deliveries.takeOver(app, owner, releaseId);
        if (claim !== null) deliver(claim);
      } finally {
        inFlight.reserve(organisationId, -1);
      }
    }),
  );

  const deadlines = createDeadlines(app.clock, (id, organisationId) =>
    background('time a release out', () => writes(organisationId, () => deliveries.timeOut(app, id))),
  );
  const leaseEnds = createDeadlines(
    app.clock,
    (id, organisationId) => void takeOvers.add(id, organisationId),
  );
  const gracePeriods = createDeadlines(app.clock, (id, organisationId) =>
    background('free a destination', () => writes(organisationId, () => deliveries.endGracePeriod(app, id))),
  );

  const queued = createBatches((releaseIds) =>
    attempt('find the destinations of releases', async () => {
      for (const { destinationId, organisationId } of await deliveries.findDestinations(app, releaseIds)) {
        void destinations.add(destinationId, organisationId);
      }
    }),
  );

  const sweeps = createBatches(() =>
    attempt('find queued releases', async () => {
      await app.clockCheck.measure();
      for (const work of await deliveries.findWork(app, owner)) {
        if (stopped) return;
        const { kind, releaseId, destinationId, organisationId, deadlineAt, leaseMs } = work;
        if (kind === 'queued') void destinations.add(destinationId, organisationId);
        else if (releaseId !== null && deadlineAt !== null) {
          (kind === 'occupied' ? gracePeriods : deadlines).set(releaseId, deadlineAt, organisationId);
        } else if (releaseId !== null && leaseMs !== null && !inFlight.has(releaseId)) {
          const now = app.clock.now().getTime();
          const check = Math.max(
            now + leaseMs + (leaseMs > 0 ? LEASE_MARGIN_MS : 0),
            databaseBackAt + OWNERS_FIRST_MS,
          );
          leaseEnds.set(releaseId, new Date(check), organisationId);
        }
      }
    }),
  );
  const sweep = async (cause: WakeCause): Promise<void> => {
    if (stopped) return;
    app.metrics.woken('dispatcher', cause);
    // A sweep that is running may have missed what this one should find, so it runs again.
    sweeps.add('all');
    await sweeps.idle();
  };

  return {
    async start() {
      stopped = false;
      unsubscribe = [
        // One server receives it; while that one is full, the sweeps of the others find the release.
        app.bus.share(subjects.releaseQueued, (releaseId) => {
          app.metrics.woken('dispatcher', 'signal');
          queued.add(releaseId);
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
      await queued.idle();
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
