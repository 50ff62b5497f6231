import type { Clock } from '#server/context.ts';

export interface Deadlines {
  /** Calls back for `id` and its group at that time, once; a later call for the same id replaces the time. */
  set(id: string, at: Date, group: string): void;
  stop(): void;
}

/** A longer timeout of Node's timers would fire immediately. */
export const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Keeps one timer, for the earliest of many deadlines; none while there is no deadline. */
export function createDeadlines(clock: Clock, onDue: (id: string, group: string) => void): Deadlines {
  const deadlines = new Map<string, { readonly at: number; readonly group: string }>();
  let timer: AbortController | null = null;
  let timerAt = Number.POSITIVE_INFINITY;

  const arm = (at: number): void => {
    timer?.abort();
    timerAt = at;
    if (at === Number.POSITIVE_INFINITY) return;
    const current = new AbortController();
    timer = current;
    const delay = Math.max(0, at - clock.now().getTime());
    // Rejects only when it is aborted: another timer has replaced it, or none is needed.
    clock.sleep(Math.min(delay, MAX_TIMEOUT_MS), current.signal).then(fire, () => {});
  };

  const fire = (): void => {
    const now = clock.now().getTime();
    let next = Number.POSITIVE_INFINITY;
    const due: [id: string, group: string][] = [];
    for (const [id, { at, group }] of deadlines) {
      if (at > now) {
        next = Math.min(next, at);
        continue;
      }
      deadlines.delete(id);
      due.push([id, group]);
    }
    arm(next);
    for (const [id, group] of due) onDue(id, group);
  };

  return {
    set(id, at, group) {
      deadlines.set(id, { at: at.getTime(), group });
      // A timer that is too early after a change only looks again: thousands of deadlines are not searched for each one.
      if (at.getTime() < timerAt) arm(at.getTime());
    },
    stop() {
      deadlines.clear();
      arm(Number.POSITIVE_INFINITY);
    },
  };
}
