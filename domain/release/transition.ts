import { isReleaseEnded } from './release-status.ts';
import type { ReleaseStatus, Stage, StageRelease, StageStatus } from './stage.ts';

/** Whether a stage has ended; an ended stage never changes again. */
export function isStageEnded(status: StageStatus): boolean {
  return status === 'SUCCEEDED' || status === 'FAILED' || status === 'CANCELLED';
}

type Changes = Partial<Omit<Stage, 'id' | 'dependsOn' | 'kind' | 'onlyDestinations'>>;

const same = (a: unknown, b: unknown): boolean =>
  a === b ||
  (a instanceof Date && b instanceof Date && a.getTime() === b.getTime()) ||
  (Array.isArray(a) && Array.isArray(b) && a.length === 0 && b.length === 0);

/** Applies the changes to a stage; returns the same object if nothing differs, so that unchanged stages are not written. */
export function change(stage: Stage, changes: Changes): Stage {
  const changed = (Object.keys(changes) as (keyof Changes)[]).some((key) => !same(stage[key], changes[key]));
  return changed ? { ...stage, ...changes } : stage;
}

/** The stage, ended now. `errorMessage` is null only for a success. */
export function end(
  stage: Stage,
  status: 'SUCCEEDED' | 'FAILED' | 'CANCELLED',
  errorMessage: string | null,
  now: Date,
): Stage {
  return change(stage, { status, errorMessage, reason: null, nextCheckAt: null, completedAt: now });
}

/** Cancels what a stage has not started yet, and the stage itself once what it has started is over. */
export function cancelStage(
  stage: Stage,
  reason: string,
  supersededBy: Stage['supersededBy'],
  now: Date,
): Stage {
  const releases = stage.releases.map(
    (release): StageRelease =>
      release.status === 'QUEUED' ? { ...release, status: 'CANCELLED', errorMessage: reason } : release,
  );
  const left = releases.some((release, index) => release !== stage.releases[index])
    ? { ...stage, releases }
    : stage;
  if (releases.every(({ status }) => isReleaseEnded(status)))
    return end({ ...left, supersededBy }, 'CANCELLED', reason, now);
  return change(left, { status: 'ACTIVE', reason: null, nextCheckAt: null });
}

const FAILURE_LABELS: Partial<Record<ReleaseStatus, string>> = {
  FAILED: 'failed',
  TIMED_OUT: 'timed out',
  CANCELLED: 'was cancelled',
};

/** The failures by destination, such as `eu-west failed: no space; us-east timed out`; null without failures. */
export function failureOf(releases: readonly StageRelease[]): string | null {
  const failures = releases.flatMap(({ destinationName, status, errorMessage }) => {
    const label = FAILURE_LABELS[status];
    return label ? [`${destinationName} ${label}${errorMessage ? `: ${errorMessage}` : ''}`] : [];
  });
  return failures.length === 0 ? null : failures.join('; ');
}
