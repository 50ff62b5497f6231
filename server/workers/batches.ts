export interface Batches {
  /** Adds an item to the next batch, which starts when the present one has ended. */
  add(item: string): void;
  /** Resolves when no batch waits or runs. */
  idle(): Promise<void>;
}

/**
 * Collects items while `work` runs, so that a thousand signals cost one query. `work`, which must not reject, gets each item once per
 * batch; one batch runs at a time.
 */
export function createBatches(work: (items: readonly string[]) => Promise<void>): Batches {
  const next = new Set<string>();
  let running: Promise<void> | null = null;

  const run = async (): Promise<void> => {
    while (next.size > 0) {
      const items = [...next];
      next.clear();
      await work(items);
    }
    running = null;
  };

  return {
    add(item) {
      next.add(item);
      running ??= run();
    },
    async idle() {
      await running;
    },
  };
}
