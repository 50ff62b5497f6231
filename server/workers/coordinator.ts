import type { AppContext } from '#server/context.ts';
import { evaluateIntent, findIntentsToEvaluate, findSoonestCheck } from '#server/features/gate/service.ts';
import { subjects } from '#server/signals/bus.ts';

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
/** Before what was due before a look, and is still (it could not be evaluated), is looked at again. */
const PAUSE_MS = 1_000;
/** setTimeout cannot wait longer; the timer is set anew when it fires early. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Wakes, then calls `evaluateIntent`. Nothing here decides anything: an intent that is looked at twice, or by two servers,
 * is only looked at twice. While nothing changes it does nothing, but for the sweep's one indexed read.
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
      const next = await evaluateIntent(app, id);
      if (next !== null) wakeAt(next);
    } catch (error) {
      // The intent stays behind its wanted generation, so the next sweep takes it up again.
      app.log.error({ err: error, intent: id }, 'an intent could not be evaluated');
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
    void lookAround();
  };
  /** Everything that is behind or due, and the next moment to look. */
  const lookAround = async () => {
    try {
      const began = app.clock.now();
      for (const id of await findIntentsToEvaluate(app)) look(id);
      await idle();
      const soonest = await findSoonestCheck(app);
      if (soonest !== null) wakeAt(soonest > began ? soonest : new Date(began.getTime() + PAUSE_MS));
    } catch (error) {
      app.log.error({ err: error }, 'could not look for waiting releases');
    }
  };
  const idle = () =>
    running.size === 0 && waiting.size === 0
      ? Promise.resolve()
      : new Promise<void>((resolve) => idlers.push(resolve));
  const sweep = async () => {
    for (const id of await findIntentsToEvaluate(app)) look(id);
    await idle();
  };
  const sweepLater = () => {
    sweepTimer = setTimeout(async () => {
      await sweep().catch((error: unknown) => app.log.error({ err: error }, 'the sweep failed'));
      if (!stopped) sweepLater();
    }, app.config.sweepSeconds * 1000);
  };

  return {
    async start() {
      stopped = false;
      unsubscribe = app.bus.subscribe(subjects.intentEvaluate, look);
      await lookAround();
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
