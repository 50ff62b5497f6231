import pRetry from 'p-retry';
import type { AppContext } from '#server/context.ts';
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
import { subjects } from '#server/signals/bus.ts';
import { createDeadlines } from './deadlines.ts';
import { carryOut, DeliveryLost } from './delivery-run.ts';

/** Deliveries that one server carries out at the same time. */
const MAX_DELIVERIES = 32;
/** Looks at the database at the same time, so that the dispatcher leaves connections for requests. */
const MAX_CLAIMS = 4;
/** Leases last five seconds. */
const RENEW_MS = 1_500;

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
      .catch((error: unknown) => app.log.error({ err: error }, `${what} failed; the next sweep tries again`))
      .finally(() => tasks.delete(task));
    tasks.add(task);
  };

  const deadlines = createDeadlines(app.clock, (releaseId) => {
    background('timing out a release', async () => {
      await timeOut(app, releaseId);
    });
  });

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
      try {
        await conclude(claim, await carryOut(app, claim, entry.abort.signal));
      } catch (error) {
        if (!(error instanceof DeliveryLost)) throw error;
        app.log.info({ releaseId }, 'a delivery was given up: cancelled, taken over or stopped');
      } finally {
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

  /** Stores how a delivery ended. The database may be away for a moment: the lease is renewed meanwhile. */
  const conclude = async (claim: Claim, outcome: Awaited<ReturnType<typeof carryOut>>): Promise<void> => {
    const { releaseId } = claim.delivery;
    await pRetry(
      async () => {
        if (outcome.status !== 'RUNNING') {
          await finish(app, { releaseId, fence: claim.fence, outcome });
          return;
        }
        const deadline = await leaveRunning(app, claim);
        if (deadline !== null) deadlines.set(releaseId, deadline);
      },
      { retries: 4, minTimeout: 100, factor: 2 },
    );
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
      const { kind, releaseId, destinationId, deadlineAt } = found;
      if (kind === 'queued') lookAt(destinationId);
      else if (releaseId !== null && kind === 'deadline' && deadlineAt !== null)
        deadlines.set(releaseId, deadlineAt);
      else if (releaseId !== null && kind === 'expired' && !inFlight.has(releaseId)) await resume(releaseId);
    }
  };

  const resume = async (releaseId: string): Promise<void> => {
    // A full server leaves it to others, or to its own next sweep.
    if (looking.size + inFlight.size >= MAX_DELIVERIES) return;
    const claim = await takeOver(app, owner, releaseId);
    if (claim !== null) deliver(claim);
  };

  let sweeping = false;
  const sweepOnce = async (): Promise<void> => {
    if (sweeping || stopped) return;
    sweeping = true;
    try {
      await sweep();
    } finally {
      sweeping = false;
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
      unsubscribe = app.bus.subscribe(subjects.releaseQueued, (releaseId) => {
        background('looking at a release', async () => {
          const destinationId = await destinationOf(app, releaseId);
          if (destinationId !== undefined) lookAt(destinationId);
        });
      });
      await sweepOnce();
      sweepTimer = setInterval(() => background('the sweep', sweepOnce), app.config.sweepSeconds * 1000);
    },
    async stop() {
      if (stopped) return;
      stopped = true;
      unsubscribe();
      clearInterval(sweepTimer);
      toLookAt.clear();
      deadlines.stop();
      for (const { abort } of inFlight.values()) abort.abort(new DeliveryLost('the server stops'));
      while (tasks.size > 0) await Promise.all(tasks);
      await releaseLeases(app, owner);
    },
  };
}
