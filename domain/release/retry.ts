import { UPSTREAM_FAILED } from './advance.ts';
import { topologicalOrder } from './dag.ts';
import { isReleaseEnded } from './release-status.ts';
import type { Stage, StageRelease } from './stage.ts';
import { queuedAgain } from './start.ts';

/** The deliveries of a stage that a retry makes again: those that ended without success, except places that were left out. */
export const releasesToRetry = ({ releases, skipped }: Pick<Stage, 'releases' | 'skipped'>): StageRelease[] =>
  releases.filter(
    ({ status, destinationId }) =>
      isReleaseEnded(status) &&
      status !== 'SUCCEEDED' &&
      !skipped.some((place) => place.destinationId === destinationId),
  );

const reopened = (stage: Stage): Stage => {
  const again = releasesToRetry(stage);
  // The deliveries of a plan pass no gate.
  const isPlanning = stage.kind.type === 'plan' && again.length > 0;
  return {
    ...stage,
    status: isPlanning ? 'ACTIVE' : 'PENDING',
    startedAt: isPlanning ? stage.startedAt : null,
    reason: null,
    errorMessage: null,
    completedAt: null,
    nextCheckAt: null,
    releases: stage.releases.map((release) => (again.includes(release) ? queuedAgain(release) : release)),
  };
};

/**
 * The stages of an intent with a failed one open again, and those that were cancelled because of it: its failed deliveries are
 * queued for another run. What else keeps a stage from running cancels it again in the next step.
 */
export function retryStage(stages: readonly Stage[], stageId: string): Stage[] {
  const open = new Set([stageId]);
  for (const { id, status, errorMessage, dependsOn } of topologicalOrder(stages)) {
    const isCancelledByIt = status === 'CANCELLED' && errorMessage === UPSTREAM_FAILED;
    if (isCancelledByIt && dependsOn.some((upstream) => open.has(upstream))) open.add(id);
  }
  return stages.map((stage) => (open.has(stage.id) ? reopened(stage) : stage));
}
