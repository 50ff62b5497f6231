/** Runs `work` when it is its group's turn, and resolves or rejects with it. */
export type FairLimit = <T>(group: string, work: () => Promise<T>) => Promise<T>;

/**
 * Limits how much runs at the same time: at most `concurrency` in all, and at most half of that for one group, so that another
 * group never waits for all of its work. Groups that wait take turns; within a group, the first comes first.
 */
export function createFairLimit(concurrency: number): FairLimit {
  const share = Math.max(1, Math.floor(concurrency / 2));
  /** The groups that wait, in the order of their turns, with the functions that start their work. */
  const waiting = new Map<string, (() => void)[]>();
  const running = new Map<string, number>();
  let total = 0;

  const startNext = (): void => {
    for (const [group, queue] of waiting) {
      if (total >= concurrency) return;
      const own = running.get(group) ?? 0;
      if (own >= share) continue;
      const start = queue.shift();
      // A group that still waits goes to the end; this loop reaches it again.
      waiting.delete(group);
      if (queue.length > 0) waiting.set(group, queue);
      total++;
      running.set(group, own + 1);
      start?.();
    }
  };

  const end = (group: string): void => {
    total--;
    const left = (running.get(group) ?? 0) - 1;
    if (left > 0) running.set(group, left);
    else running.delete(group);
    startNext();
  };

  return async (group, work) => {
    await new Promise<void>((start) => {
      const queue = waiting.get(group) ?? [];
      waiting.set(group, queue);
      queue.push(start);
      startNext();
    });
    try {
      return await work();
    } finally {
      end(group);
    }
  };
}
