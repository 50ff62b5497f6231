import type { AppContext } from '#server/context.ts';
import { evaluateIntent, findIntentsToEvaluate, findSoonestCheck } from '#server/features/gate/service.ts';
import type { WakeCause } from '#server/observe/metrics.ts';
import { subjects } from '#server/signals/bus.ts';
import { tellTrouble } from './trouble.ts';

export interface Coordinator {
  /** Looks for what a crash left behind, then waits for signals, due times and the slow sweep. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Evaluates what is behind or due now, and waits for it. */
  sweep(): Promise<void>;
  /** Resolves when nothing is being evaluated: for tests. */
  idle(): Promise<void>;
  /** How many intents were evaluated since the start. */
  readonly evaluations: () => number;
}

const CONCURRENCY = 8;
/** Before what could not be evaluated, or a look that failed, is tried again. */
const PAUSE_MS = 1_000;
/** setTimeout cannot wait longer; the timer is set anew when it fires early. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Wakes, then calls `evaluateIntent`. Nothing here decides anything: an intent that is looked at twice, or by two servers,
 * is only looked at twice. While nothing changes it does nothing, but for the sweep's two indexed reads.
 */
export function createCoordinator(app: AppContext): Coordinator {
  const waiting = new Set<string>();
  const running = new Set<string>();
  const idlers: (() => void)[] = [];
  let evaluated = 0;
  let stopped = true;
  let dueTimer: NodeJS.Timeout | undefined;
  let dueAt = Number.POSITIVE_INFINITY;
  let sweepTimer: NodeJS.Timeout | undefined;
  let unsubscribe = () => {};

  const pump = () => {
    for (const id of waiting) {
      if (running.size >= CONCURRENCY) return;
      // One at a time per intent: a signal that comes meanwhile makes it look once more.
      if (running.has(id)) continue;
      waiting.delete(id);
      running.add(id);
      void evaluate(id).finally(() => {
        running.delete(id);
        pump();
        if (running.size === 0 && waiting.size === 0) for (const resolve of idlers.splice(0)) resolve();
      });
    }
  };
  const evaluate = async (id: string) => {
    try {
      evaluated++;
      app.metrics.evaluated();
      const evaluation = () => evaluateIntent(app, id);
      const next = await app.tracing.span('evaluate a release', { 'forage.release_intent': id }, evaluation);
      if (next !== null) wakeAt(next);
    } catch (error) {
      // The intent stays behind its wanted generation, or due: it is found again in a moment.
      tellTrouble(app.log, error, { intent: id }, 'an intent could not be evaluated');
      wakeAt(new Date(app.clock.now().getTime() + PAUSE_MS));
    }
  };
  const look = (id: string) => {
    if (stopped) return;
    waiting.add(id);
    pump();
  };

  const wakeAt = (moment: Date) => {
    if (stopped || moment.getTime() >= dueAt) return;
    clearTimeout(dueTimer);
    dueAt = moment.getTime();
    const delay = Math.max(0, dueAt - app.clock.now().getTime());
    dueTimer = setTimeout(onDue, Math.min(delay, LONGEST_TIMER_MS));
  };
  const onDue = () => {
    dueAt = Number.POSITIVE_INFINITY;
    void lookAround('due');
  };
  /**
   * Everything that is behind or due, and the next moment to look, also when it was a server that is gone now that knew of
   * it. Waits for no evaluation: one may have to wait for a lock of a server that hangs, and the others must not.
   */
  const lookAround = async (cause: WakeCause) => {
    if (stopped) return;
    app.metrics.woken('coordinator', cause);
    try {
      const now = app.clock.now();
      for (const id of await findIntentsToEvaluate(app)) look(id);
      const soonest = await findSoonestCheck(app, now);
      if (soonest !== null) wakeAt(soonest);
    } catch (error) {
      tellTrouble(app.log, error, {}, 'could not look for waiting releases; looks again in a moment');
      wakeAt(new Date(app.clock.now().getTime() + PAUSE_MS));
    }
  };
  const idle = () =>
    running.size === 0 && waiting.size === 0
      ? Promise.resolve()
      : new Promise<void>((resolve) => idlers.push(resolve));
  const sweep = async () => {
    app.metrics.woken('coordinator', 'sweep');
    for (const id of await findIntentsToEvaluate(app)) look(id);
    await idle();
  };
  const sweepLater = () => {
    sweepTimer = setTimeout(async () => {
      await lookAround('sweep');
      if (!stopped) sweepLater();
    }, app.config.sweepSeconds * 1000);
  };

  return {
    async start() {
      stopped = false;
      const ends = [
        // One server evaluates and sets its timer. When it dies before that, the others' sweeps find what is due.
        app.bus.share(subjects.intentEvaluate, (id) => {
          app.metrics.woken('coordinator', 'signal');
          look(id);
        }),
        app.bus.onMissed(() => void lookAround('missed')),
        app.db.onBack(() => void lookAround('missed')),
      ];
      unsubscribe = () => {
        for (const end of ends) end();
      };
      await lookAround('start');
      sweepLater();
    },
    async stop() {
      stopped = true;
      unsubscribe();
      clearTimeout(dueTimer);
      clearTimeout(sweepTimer);
      waiting.clear();
      await idle();
    },
    sweep,
    idle,
    evaluations: () => evaluated,
  };
}
