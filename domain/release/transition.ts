import type { ReleaseStatus, Stage, StageRelease, StageStatus } from './stage.ts';

/** Whether a stage has ended; an ended stage never changes again. */
export function isStageEnded(status: StageStatus): boolean {
  return status === 'SUCCEEDED' || status === 'FAILED' || status === 'CANCELLED';
}

/** Whether a release (one deployment to one destination) has ended. */
export function isReleaseEnded(status: ReleaseStatus): boolean {
  return status !== 'QUEUED' && status !== 'ASSIGNED' && status !== 'RUNNING';
}

type Changes = Partial<Omit<Stage, 'id' | 'dependsOn' | 'kind' | 'onlyDestinations'>>;

const same = (a: unknown, b: unknown): boolean =>
  a === b || (a instanceof Date && b instanceof Date && a.getTime() === b.getTime());

/** The stage with the changes; the same object when they change nothing, so that unchanged stages are not written. */
export function change(stage: Stage, changes: Changes): Stage {
  const changed = (Object.keys(changes) as (keyof Changes)[]).some((key) => !same(stage[key], changes[key]));
  return changed ? { ...stage, ...changes } : stage;
}

/** The stage ended now: it waits for nothing any more. `errorMessage` is null only for a success. */
export function end(
  stage: Stage,
  status: 'SUCCEEDED' | 'FAILED' | 'CANCELLED',
  errorMessage: string | null,
  now: Date,
): Stage {
  return change(stage, { status, errorMessage, reason: null, nextCheckAt: null, completedAt: now });
}

const FAILURE_WORDS: Partial<Record<ReleaseStatus, string>> = {
  FAILED: 'failed',
  TIMED_OUT: 'timed out',
  CANCELLED: 'was cancelled',
};

/** What went wrong at which destinations, such as `eu-west failed: no space; us-east timed out`; null: nothing did. */
export function failureOf(releases: readonly StageRelease[]): string | null {
  const failures = releases.flatMap(({ destinationName, status, errorMessage }) => {
    const words = FAILURE_WORDS[status];
    return words ? [`${destinationName} ${words}${errorMessage ? `: ${errorMessage}` : ''}`] : [];
  });
  return failures.length === 0 ? null : failures.join('; ');
}
