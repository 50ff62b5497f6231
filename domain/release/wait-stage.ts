import type { Stage } from './stage.ts';
import { change, end } from './transition.ts';

/** One step of a wait stage whose dependencies have succeeded: it starts once, and ends when the wait time has passed. */
export function stepWaitStage(stage: Stage, durationSeconds: number, now: Date): Stage {
  const startedAt = stage.startedAt ?? now;
  const waitUntil = stage.waitUntil ?? new Date(startedAt.getTime() + durationSeconds * 1_000);
  const begun = change(stage, {
    status: 'ACTIVE',
    queuedAt: stage.queuedAt ?? now,
    startedAt,
    waitUntil,
    nextCheckAt: waitUntil,
  });
  return waitUntil.getTime() <= now.getTime() ? end(begun, 'SUCCEEDED', null, now) : begun;
}
