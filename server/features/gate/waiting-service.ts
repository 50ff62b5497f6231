import type { Executor } from '#server/db/database.ts';
import type { WaitingGates } from '#server/observe/metrics.ts';
import { waitingStages } from './waiting-store.ts';

/** How many stages of releases wait at a gate, and since when: for the metrics. One statement, by indexes. */
export async function countWaitingGates(db: Executor): Promise<readonly WaitingGates[]> {
  const [row] = await db.run(waitingStages, []);
  return [
    { state: 'awaiting_approval', count: row?.awaiting ?? 0, since: row?.awaitingSince ?? null },
    { state: 'pending', count: row?.held ?? 0, since: row?.heldSince ?? null },
  ];
}
