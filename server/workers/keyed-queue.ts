import pLimit from 'p-limit';

export interface KeyedQueue {
  /**
   * Schedules a run for the key and resolves when it has ended. A key that already waits is not scheduled twice; one that is
   * running runs again afterwards.
   */
  add(key: string): Promise<void>;
  /** Resolves when nothing waits or runs. */
  idle(): Promise<void>;
}

/** Runs `work`, which must not reject, for keys: at most `concurrency` at the same time, and one at a time for each key. */
export function createKeyedQueue(concurrency: number, work: (key: string) => Promise<void>): KeyedQueue {
  const limit = pLimit(concurrency);
  const waiting = new Map<string, Promise<void>>();
  const running = new Map<string, Promise<void>>();

  const schedule = async (key: string): Promise<void> => {
    await running.get(key);
    await limit(async () => {
      const run = waiting.get(key);
      waiting.delete(key);
      if (run !== undefined) running.set(key, run);
      await work(key);
      running.delete(key);
    });
  };

  return {
    add(key) {
      const run = waiting.get(key) ?? schedule(key);
      waiting.set(key, run);
      return run;
    },
    async idle() {
      while (waiting.size + running.size > 0) await Promise.all([...waiting.values(), ...running.values()]);
    },
  };
}
