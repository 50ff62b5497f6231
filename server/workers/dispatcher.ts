import type { AppContext } from '#server/context.ts';
import type { Outcome } from '#server/destinations/destination-type.ts';
import {
  type Claim,
  claimNext,
  destinationOf,
  findWork,
  finish,
  leaveRunning,
  releaseLeases,
  renewLeases,
  takeOver,
  timeOut,
} from '#server/features/deliveries/service.ts';
import type { DeliveryOutcome, WakeCause } from '#server/observe/metrics.ts';
import { subjects } from '#server/signals/bus.ts';
import { createDeadlines } from './deadlines.ts';
import { carryOut } from './delivery-run.ts';
import { DeliveryLost, persistently } from './persistence.ts';
import { tellTrouble } from './trouble.ts';

/** Deliveries that one server carries out at the same time. */
const MAX_DELIVERIES = 32;
/** Looks at the database at the same time, so that the dispatcher leaves connections for requests. */
const MAX_CLAIMS = 4;
/** Leases last four seconds. */
const RENEW_MS = 1_000;
/** Beyond the end of a lease, before it is looked at: clocks and timers are not exact. */
const LEASE_MARGIN_MS = 50;
/** After the database was away every lease has run out; those who held one come first. */
const RETURN_MS = 1_000;

/** How the metrics call what a delivery ended with. */
const OUTCOMES: Readonly<Record<Outcome['status'], DeliveryOutcome>> = {
  SUCCEEDED: 'succeeded',
  FAILED: 'failed',
  TIMED_OUT: 'timed_out',
  RUNNING: 'left_running',
};

export interface Dispatcher {
  start(): Promise<void>;
  /** Gives up what is under way, for the next server to go on with, and waits until nothing runs. */
  stop(): Promise<void>;
  /** Resolves when nothing is being looked at or delivered here. For tests. */
  idle(): Promise<void>;
}

interface InFlight {
  readonly claim: Claim;
  readonly abort: AbortController;
}

/**
 * Takes queued releases to their destinations. A signal, the end of a delivery and the sweep all do the same: look at a
 * destination and start what the database says may start there. Nothing in memory is the truth.
 */
export function createDispatcher(app: AppContext): Dispatcher {
  const owner = app.newId();
  const inFlight = new Map<string, InFlight>();
  /** Destinations to look at; a set, so that many signals for one make one look. */
  const toLookAt = new Set<string>();
  const looking = new Set<string>();
  const tasks = new Set<Promise<void>>();
  let stopped = true;
  let sweepTimer: NodeJS.Timeout | undefined;
  let renewTimer: NodeJS.Timeout | undefined;
  let unsubscribe = () => {};

  /** Runs in the background. What fails here is logged and left to the sweep. */
  const background = (what: string, work: () => Promise<void>): void => {
    const task: Promise<void> = work()
      .catch((error: unknown) =>
        tellTrouble(app.log, error, {}, `${what} failed; the next sweep tries again`),
      )
      .finally(() => tasks.delete(task));
    tasks.add(task);
  };

  const deadlines = createDeadlines(app.clock, (releaseId) => {
    background('timing out a release', async () => {
      await timeOut(app, releaseId);
    });
  });

  /** Leases of others, looked at when they should have been renewed. */
  const leaseEnds = createDeadlines(app.clock, (releaseId) => {
    background('taking over a release', () => resume(releaseId));
  });
  let returnedAt = Number.NEGATIVE_INFINITY;

  const lookAt = (destinationId: string): void => {
    if (stopped) return;
    toLookAt.add(destinationId);
    pump();
  };

  const pump = (): void => {
    for (const destinationId of toLookAt) {
      if (stopped || looking.size >= MAX_CLAIMS || looking.size + inFlight.size >= MAX_DELIVERIES) return;
      // One look at a destination at a time; its end pumps again.
      if (looking.has(destinationId)) continue;
      toLookAt.delete(destinationId);
      looking.add(destinationId);
      background('starting a release', async () => {
        try {
          const claim = await claimNext(app, owner, destinationId);
          if (claim !== null) deliver(claim);
        } finally {
          looking.delete(destinationId);
          pump();
        }
      });
    }
  };

  const deliver = (claim: Claim): void => {
    const { releaseId } = claim.delivery;
    const entry: InFlight = { claim, abort: new AbortController() };
    // What was under way there has been cancelled or lost without its having noticed: one release at a time.
    for (const { claim: other, abort } of inFlight.values()) {
      if (other.destinationId === claim.destinationId) abort.abort(new DeliveryLost('no longer ours'));
    }
    inFlight.set(releaseId, entry);
    if (stopped) entry.abort.abort(new DeliveryLost('the server stops'));
    renewTimer ??= setInterval(() => background('renewing leases', renew), RENEW_MS);
    background('a delivery', async () => {
      let outcome: DeliveryOutcome = 'given_up';
      app.metrics.deliveryBegun();
      try {
        const ended = await app.tracing.span('deliver a release', { 'forage.release': releaseId }, () =>
          carryOut(app, claim, entry.abort.signal),
        );
        await conclude(claim, ended, entry.abort.signal);
        outcome = OUTCOMES[ended.status];
      } catch (error) {
        if (!(error instanceof DeliveryLost)) throw error;
        app.log.info({ releaseId }, 'a delivery was given up: cancelled, taken over or stopped');
      } finally {
        app.metrics.deliveryEnded(outcome);
        if (inFlight.get(releaseId) === entry) inFlight.delete(releaseId);
        if (inFlight.size === 0) {
          clearInterval(renewTimer);
          renewTimer = undefined;
        }
        lookAt(claim.destinationId);
        pump();
      }
    });
  };

  /** Stores how a delivery ended. The database may be away for a while: nobody else can take the release over then. */
  const conclude = async (claim: Claim, outcome: Outcome, signal: AbortSignal): Promise<void> => {
    const { releaseId } = claim.delivery;
    await persistently(app, signal, async () => {
      if (outcome.status !== 'RUNNING') {
        await finish(app, { releaseId, fence: claim.fence, outcome });
        return;
      }
      const deadline = await leaveRunning(app, claim);
      if (deadline !== null) deadlines.set(releaseId, deadline);
    });
  };

  const renew = async (): Promise<void> => {
    const held = [...inFlight.values()];
    if (held.length === 0) return;
    const ids = held.map(({ claim }) => ({ id: claim.delivery.releaseId, attempt: claim.fence.attempt }));
    const still = await renewLeases(app, owner, ids);
    for (const { claim, abort } of held) {
      if (!still.has(claim.delivery.releaseId)) abort.abort(new DeliveryLost('the lease is lost'));
    }
  };

  const sweep = async (): Promise<void> => {
    for (const found of await findWork(app)) {
      if (stopped) return;
      const { kind, releaseId, destinationId, deadlineAt, leaseLeft } = found;
      if (kind === 'queued') lookAt(destinationId);
      else if (releaseId !== null && kind === 'deadline' && deadlineAt !== null)
        deadlines.set(releaseId, deadlineAt);
      else if (releaseId !== null && kind === 'leased' && !inFlight.has(releaseId)) {
        const now = app.clock.now().getTime();
        const end = now + (leaseLeft ?? 0) + LEASE_MARGIN_MS;
        if (leaseLeft === 0 && now >= returnedAt + RETURN_MS) await resume(releaseId);
        else leaseEnds.set(releaseId, new Date(Math.max(end, returnedAt + RETURN_MS)));
      }
    }
  };

  const resume = async (releaseId: string): Promise<void> => {
    // A full server leaves it to others, or to its own next sweep.
    if (stopped || inFlight.has(releaseId) || looking.size + inFlight.size >= MAX_DELIVERIES) return;
    const claim = await takeOver(app, owner, releaseId);
    if (claim !== null) deliver(claim);
  };

  let sweeping = false;
  let sweepAgain: WakeCause | null = null;
  const sweepOnce = async (cause: WakeCause): Promise<void> => {
    if (stopped) return;
    // One that is under way may have looked before what this one is asked to find, or at a database that was going away.
    if (sweeping) {
      sweepAgain = cause;
      return;
    }
    app.metrics.woken('dispatcher', cause);
    sweeping = true;
    try {
      await sweep();
    } finally {
      sweeping = false;
      const next = sweepAgain;
      sweepAgain = null;
      if (next !== null) background('the sweep', () => sweepOnce(next));
    }
  };

  const idle = async (): Promise<void> => {
    // Signals arrive on a later turn of the event loop.
    for (let quiet = 0; quiet < 3; quiet++) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (tasks.size === 0) continue;
      quiet = -1;
      await Promise.all(tasks);
    }
  };

  return {
    idle,
    async start() {
      stopped = false;
      const ends = [
        // One server hears of it; while that one is full, the others' sweeps find the release.
        app.bus.share(subjects.releaseQueued, (releaseId) => {
          app.metrics.woken('dispatcher', 'signal');
          background('looking at a release', async () => {
            const destinationId = await destinationOf(app, releaseId);
            if (destinationId !== undefined) lookAt(destinationId);
          });
        }),
        app.bus.onMissed(() => background('the sweep', () => sweepOnce('missed'))),
        app.db.onBack(() => {
          returnedAt = app.clock.now().getTime();
          background('renewing leases', renew);
          background('the sweep', () => sweepOnce('missed'));
        }),
      ];
      unsubscribe = () => {
        for (const end of ends) end();
      };
      await sweepOnce('start').catch((error: unknown) =>
        tellTrouble(app.log, error, {}, 'the first sweep failed; the next one tries again'),
      );
      const sweepNow = () => background('the sweep', () => sweepOnce('sweep'));
      sweepTimer = setInterval(sweepNow, app.config.sweepSeconds * 1000);
    },
    async stop() {
      if (stopped) return;
      stopped = true;
      unsubscribe();
      clearInterval(sweepTimer);
      toLookAt.clear();
      deadlines.stop();
      leaseEnds.stop();
      for (const { abort } of inFlight.values()) abort.abort(new DeliveryLost('the server stops'));
      while (tasks.size > 0) await Promise.all(tasks);
      // Where the database is away they run out by themselves.
      await releaseLeases(app, owner).catch((error: unknown) =>
        app.log.warn(
          { err: error },
          'could not hand over what was under way; others wait for the leases to end',
        ),
      );
    },
  };
}
