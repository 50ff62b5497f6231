import type { Place } from './place.ts';
import { isReleaseEnded } from './release-status.ts';
import type { Stage } from './stage.ts';
import { type Destination, failToStart, startReleases, wantedOf } from './start.ts';
import { change, end, failureOf } from './transition.ts';

/** How often a plan is made again by itself, and how long after the last time; then somebody asks for it. */
const AUTOMATIC_RUNS = 3;
const PAUSE_MS = 10 * 60_000;

/** Identifies the outputs of a plan's present run. */
const outputsOf = ({ releases }: Stage): string =>
  releases
    .map(({ destinationId, planDigest }) => `${destinationId} ${planDigest ?? ''}`)
    .sort()
    .join('\n');

/**
 * One step of a plan stage whose dependencies have succeeded: it plans at every destination, then waits for a user's verdict
 * unless it approves automatically or its output equals the one that was approved before. A plan deploys nothing, so the gate is not
 * evaluated. A rejection overrides automatic approval and keeps its reason.
 * @param nothingToPlan whether the deployments that depend on it would leave out all of its destinations.
 */
export function stepPlanStage(
  stage: Stage,
  autoApprove: boolean,
  destinations: () => readonly Destination[],
  environment: string,
  nothingToPlan: () => boolean,
  now: Date,
): Stage {
  if (stage.releases.length === 0) {
    const { wanted, problem } = wantedOf(stage, environment, destinations());
    if (problem !== null) return failToStart(stage, problem, now);
    if (nothingToPlan()) return end({ ...stage, alreadyLive: true }, 'SUCCEEDED', null, now);
    return startReleases(stage, wanted, now);
  }
  if (!stage.releases.every(({ status }) => isReleaseEnded(status))) return stage;

  const failure = failureOf(stage.releases);
  if (failure !== null) return end(stage, 'FAILED', failure, now);
  if (stage.planApproval === 'REJECTED')
    return end(stage, 'FAILED', stage.errorMessage ?? 'plan rejected', now);
  const outputs = outputsOf(stage);
  if (stage.planApproval === 'APPROVED' || autoApprove || stage.approvedPlan === outputs) {
    const approved = change(stage, { planApproval: 'APPROVED', approvedPlan: outputs });
    return end(approved, 'SUCCEEDED', null, now);
  }
  return change(stage, { status: 'AWAITING_APPROVAL', planApproval: 'AWAITING' });
}

/** The names of the destinations to which something was deployed since the plan's present run started there. */
export function staleDestinations(stage: Stage, places: readonly Place[]): string[] {
  return stage.releases.flatMap(({ destinationId, destinationName, startedMoment }) => {
    const lastStart = places.find(({ id }) => id === destinationId)?.lastStart ?? null;
    const isStale = startedMoment !== null && lastStart !== null && lastStart > startedMoment;
    return isStale ? [destinationName] : [];
  });
}

/** When a stale plan may be made again by itself; null when only a user can ask for it. */
export function automaticRunAt({ planRun, planRunAt, startedAt }: Stage): Date | null {
  if (planRun > AUTOMATIC_RUNS) return null;
  const last = planRunAt ?? startedAt;
  return planRun === 1 || last === null ? new Date(0) : new Date(last.getTime() + PAUSE_MS);
}

/** The stage with its plan to be made again: its releases are queued for another run, and its approval is asked again. */
export function planAgain(stage: Stage, now: Date): Stage {
  return {
    ...stage,
    status: 'ACTIVE',
    reason: null,
    errorMessage: null,
    completedAt: null,
    planApproval: null,
    planRun: stage.planRun + 1,
    planRunAt: now,
    releases: stage.releases.map((release) => ({
      ...release,
      status: 'QUEUED',
      errorMessage: null,
      run: release.run + 1,
      startedMoment: null,
      planDigest: null,
    })),
  };
}
