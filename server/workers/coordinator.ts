import type { AppContext } from '#server/context.ts';
import { createFairLimit } from '#server/fair-limit.ts';
import {
  evaluateIntent,
  findIntentsToEvaluate,
  findOrganisationsOf,
  findSoonestCheck,
} from '#server/features/gate/service.ts';
import type { WakeCause } from '#server/observe/metrics.ts';
import { subjects } from '#server/signals/bus.ts';
import { createBatches } from './batches.ts';
import { MAX_TIMEOUT_MS } from './deadlines.ts';
import { createKeyedQueue } from './keyed-queue.ts';
import { logFailure } from './log-failure.ts';

export interface Coordinator {
  /** Evaluates the intents that a crash left unevaluated, then waits for signals, due times and the sweep. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Evaluates everything that is behind or due now, and waits for it. */
  sweep(): Promise<void>;
  /** Resolves when nothing is being evaluated. For tests. */
  idle(): Promise<void>;
  /** The number of evaluations since the start. */
  readonly evaluations: () => number;
}

/** The evaluations at the same time, so that the coordinator leaves database connections for requests. */
const CONCURRENCY = 8;
/** The pause before a retry after a failure. */
const RETRY_MS = 1_000;

/**
 * Calls `evaluateIntent` for intents that are behind or due, of each organisation in turn. Evaluating an intent twice, or on two
 * servers, has no further effect. Without changes only the sweep runs, with two indexed reads.
 */
export function createCoordinator(app: AppContext): Coordinator {
  let evaluated = 0;
  let stopped = true;
  let dueTimer: NodeJS.Timeout | undefined;
  let dueAt = Number.POSITIVE_INFINITY;
  let sweepTimer: NodeJS.Timeout | undefined;
  let unsubscribe: (() => void)[] = [];

  const intents = createKeyedQueue(createFairLimit(CONCURRENCY), async (id) => {
    if (stopped) return;
    evaluated++;
    app.metrics.evaluated();
    try {
      const next = await app.tracing.span('evaluate a release', { 'forage.release_intent': id }, () =>
        evaluateIntent(app, id),
      );
      if (next !== null) wakeAt(next.getTime());
    } catch (error) {
      // The intent is still behind or due, so the next sweep finds it.
      logFailure(app.log, error, { intent: id }, 'could not evaluate an intent; retrying');
      wakeAt(app.clock.now().getTime() + RETRY_MS);
    }
  });

  const signalled = createBatches(async (ids) => {
    if (stopped) return;
    try {
      for (const { id, organisationId } of await findOrganisationsOf(app, ids)) {
        void intents.add(id, organisationId);
      }
    } catch (error) {
      // The intents are still behind or due.
      logFailure(app.log, error, { intents: ids }, 'could not find the organisations of releases; retrying');
      wakeAt(app.clock.now().getTime() + RETRY_MS);
    }
  });

  /**
   * Finds all intents that are behind or due, also those of a crashed server, and the next due time. Does not wait for the
   * evaluations: one that waits for a lock must not delay the others.
   */
  const sweeps = createBatches(async (causes) => {
    if (stopped) return;
    try {
      const now = app.clock.now();
      for (const { id, organisationId } of await findIntentsToEvaluate(app)) {
        void intents.add(id, organisationId);
      }
      const soonest = await findSoonestCheck(app, now);
      if (soonest !== null) wakeAt(soonest.getTime());
    } catch (error) {
      logFailure(app.log, error, { causes }, 'could not search for waiting releases; retrying');
      wakeAt(app.clock.now().getTime() + RETRY_MS);
    }
  });
  const sweep = async (cause: WakeCause): Promise<void> => {
    app.metrics.woken('coordinator', cause);
    sweeps.add(cause);
    await sweeps.idle();
  };

  const wakeAt = (timestamp: number): void => {
    if (stopped || timestamp >= dueAt) return;
    clearTimeout(dueTimer);
    dueAt = timestamp;
    const delay = Math.max(0, timestamp - app.clock.now().getTime());
    // If it fires early, the sweep sets it again.
    dueTimer = setTimeout(
      () => {
        dueAt = Number.POSITIVE_INFINITY;
        void sweep('due');
      },
      Math.min(delay, MAX_TIMEOUT_MS),
    );
  };

  const idle = async (): Promise<void> => {
    await sweeps.idle();
    await signalled.idle();
    await intents.idle();
  };

  return {
    async start() {
      stopped = false;
      unsubscribe = [
        // One server evaluates and sets its timer. If it crashes first, the sweeps of the others find what is due.
        app.bus.share(subjects.intentEvaluate, (id) => {
          app.metrics.woken('coordinator', 'signal');
          signalled.add(id);
        }),
        app.bus.onMissed(() => void sweep('missed')),
        app.db.onReconnect(() => void sweep('missed')),
      ];
      await sweep('start');
      sweepTimer = setInterval(() => void sweep('sweep'), app.config.sweepSeconds * 1000);
    },
    async stop() {
      stopped = true;
      for (const end of unsubscribe) end();
      clearTimeout(dueTimer);
      clearInterval(sweepTimer);
      await idle();
    },
    async sweep() {
      await sweep('sweep');
      await idle();
    },
    idle,
    evaluations: () => evaluated,
  };
}
