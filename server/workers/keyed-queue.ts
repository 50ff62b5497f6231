import type { FairLimit } from '#server/fair-limit.ts';

export interface KeyedQueue {
  /**
   * Schedules a run for the key, in its group's turn, and resolves when it has ended. A key that already waits is not scheduled
   * twice; one that is running runs again afterwards. A key is always of the same group.
   */
  add(key: string, group: string): Promise<void>;
  /** Takes a key that waits out of the queue. */
  remove(key: string): void;
  /** Resolves when nothing waits or runs. */
  idle(): Promise<void>;
}

/** Runs `work`, which must not reject, for keys: as many at the same time as `limit` allows, and one at a time for each key. */
export function createKeyedQueue(
  limit: FairLimit,
  work: (key: string, group: string) => Promise<void>,
): KeyedQueue {
  const waiting = new Map<string, Promise<void>>();
  const running = new Map<string, Promise<void>>();

  const schedule = (key: string, group: string): Promise<void> => {
    const run: Promise<void> = (async () => {
      await running.get(key);
      await limit(group, async () => {
        // It was removed, and perhaps added again since.
        if (waiting.get(key) !== run) return;
        waiting.delete(key);
        running.set(key, run);
        await work(key, group);
        running.delete(key);
      });
    })();
    waiting.set(key, run);
    return run;
  };

  return {
    add: (key, group) => waiting.get(key) ?? schedule(key, group),
    remove: (key) => void waiting.delete(key),
    async idle() {
      while (waiting.size + running.size > 0) await Promise.all([...waiting.values(), ...running.values()]);
    },
  };
}
