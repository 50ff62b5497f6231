import type { Clock } from '#server/context.ts';

export interface Deadlines {
  /** Calls back for `id` at that time, once; a later call for the same id replaces the time. */
  set(id: string, at: Date): void;
  stop(): void;
}

/** A longer timeout of Node's timers would fire immediately. */
export const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Keeps one timer, for the earliest of many deadlines; none while there is no deadline. */
export function createDeadlines(clock: Clock, onDue: (id: string) => void): Deadlines {
  const deadlines = new Map<string, number>();
  let timer: AbortController | null = null;
  let timerAt = Number.POSITIVE_INFINITY;

  const arm = (): void => {
    const earliest = Math.min(...deadlines.values());
    if (earliest === timerAt) return;
    timer?.abort();
    timerAt = earliest;
    if (earliest === Number.POSITIVE_INFINITY) return;
    const current = new AbortController();
    timer = current;
    const delay = Math.max(0, earliest - clock.now().getTime());
    // Rejects only when it is aborted: another timer has replaced it, or none is needed.
    clock.sleep(Math.min(delay, MAX_TIMEOUT_MS), current.signal).then(fire, () => {});
  };

  const fire = (): void => {
    timerAt = Number.POSITIVE_INFINITY;
    const now = clock.now().getTime();
    for (const [id, at] of [...deadlines]) {
      if (at > now) continue;
      deadlines.delete(id);
      onDue(id);
    }
    arm();
  };

  return {
    set(id, at) {
      deadlines.set(id, at.getTime());
      arm();
    },
    stop() {
      deadlines.clear();
      arm();
    },
  };
}
