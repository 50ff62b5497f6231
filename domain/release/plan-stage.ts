import type { Stage } from './stage.ts';
import { type Destination, startReleases } from './start.ts';
import { change, end, failureOf, isReleaseEnded } from './transition.ts';

/**
 * One step of a plan stage whose dependencies have succeeded: it plans at every destination, then waits for a person's
 * verdict unless it approves itself. A plan deploys nothing, so the gate is not asked. A rejection wins over the stage
 * approving itself, and keeps the words it came with.
 */
export function stepPlanStage(
  stage: Stage,
  autoApprove: boolean,
  destinations: () => readonly Destination[],
  environment: string,
  now: Date,
): Stage {
  if (stage.releases.length === 0) return startReleases(stage, environment, destinations(), now);
  if (!stage.releases.every(({ status }) => isReleaseEnded(status))) return stage;

  const failure = failureOf(stage.releases);
  if (failure !== null) return end(stage, 'FAILED', failure, now);
  if (stage.planApproval === 'REJECTED')
    return end(stage, 'FAILED', stage.errorMessage ?? 'plan rejected', now);
  if (stage.planApproval === 'APPROVED' || autoApprove) {
    return end(change(stage, { planApproval: 'APPROVED' }), 'SUCCEEDED', null, now);
  }
  return change(stage, { status: 'AWAITING_APPROVAL', planApproval: 'AWAITING' });
}
