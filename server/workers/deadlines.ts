import type { Clock } from '#server/context.ts';

export interface Deadlines {
  /** Calls back for `id` at that moment, once; a later call for the same id replaces the moment. */
  set(id: string, at: Date): void;
  stop(): void;
}

/** Keeps one wait, for the soonest of many moments. Without any it costs nothing. */
export function createDeadlines(clock: Clock, due: (id: string) => void): Deadlines {
  const moments = new Map<string, number>();
  let wait: AbortController | null = null;
  let waitingFor = Number.POSITIVE_INFINITY;

  const arm = (): void => {
    const soonest = Math.min(...moments.values());
    if (soonest === waitingFor) return;
    wait?.abort();
    waitingFor = soonest;
    if (soonest === Number.POSITIVE_INFINITY) return;
    const current = new AbortController();
    wait = current;
    clock.sleep(Math.max(0, soonest - clock.now().getTime()), current.signal).then(
      () => {
        waitingFor = Number.POSITIVE_INFINITY;
        const now = clock.now().getTime();
        for (const [id, at] of [...moments]) {
          if (at > now) continue;
          moments.delete(id);
          due(id);
        }
        arm();
      },
      // Aborted: another wait has taken its place, or nothing is waited for any more.
      () => {},
    );
  };

  return {
    set(id, at) {
      moments.set(id, at.getTime());
      arm();
    },
    stop() {
      moments.clear();
      arm();
    },
  };
}
