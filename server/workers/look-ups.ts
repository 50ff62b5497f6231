export interface LookUps {
  /** Adds an id to the next look-up, which starts when the present one has ended. */
  add(id: string): void;
  /** Resolves when no look-up waits or runs. */
  idle(): Promise<void>;
}

/** Collects ids, so that a thousand signals cost one query. `find`, which must not reject, gets each id once per look-up. */
export function createLookUps(find: (ids: readonly string[]) => Promise<void>): LookUps {
  const next = new Set<string>();
  let running: Promise<void> | null = null;

  const run = async (): Promise<void> => {
    while (next.size > 0) {
      const ids = [...next];
      next.clear();
      await find(ids);
    }
    running = null;
  };

  return {
    add(id) {
      next.add(id);
      running ??= run();
    },
    async idle() {
      await running;
    },
  };
}
