import type { BadgeTone } from '#src/components/badge.tsx';
import {
  type PipelineStageState,
  type ReleaseStepState,
  PipelineRunStageStatus as Stage,
  PipelineRunStageType as StageType,
  ReleaseStatus as Step,
} from '#src/gen/forest/v1/releases_pb.ts';
import { deployStatus, type StatusLabel } from '#src/lib/release-status.ts';

const shown = (label: string, tone: BadgeTone): StatusLabel => ({ label, tone });

/**
 * The label of one stage, which the environment's name follows, and its colour. `steps` are the intent's releases; those of other stages are ignored. A running deploy stage is
 * queued until a destination has started one of its releases; a failed one has timed out if no release failed otherwise.
 */
export function stageLabel(stage: PipelineStageState, steps: readonly ReleaseStepState[]): StatusLabel {
  if (stage.status === Stage.CANCELLED)
    return shown(stage.supersededBySlug ? 'Superseded' : 'Cancelled', 'neutral');
  switch (stage.stageType) {
    case StageType.WAIT:
      return waitLabel(stage);
    case StageType.PLAN:
      return planLabel(stage);
    default:
      return deployLabel(stage, stepsOf(stage, steps));
  }
}

/** The releases of one stage, in the server's order. */
export function stepsOf(stage: PipelineStageState, steps: readonly ReleaseStepState[]): ReleaseStepState[] {
  return steps.filter((step) => step.stageId === stage.stageId);
}

/**
 * What a deployment waits for, in one word: the count of approvals, or the cause. Without the time left, which Policy Requirements
 * counts down.
 */
export function causeOf(stage: PipelineStageState): StatusLabel | undefined {
  if (stage.stageType !== StageType.DEPLOY) return undefined;
  const waits = stage.status === Stage.AWAITING_APPROVAL || (stage.status === Stage.PENDING && stage.reason);
  if (!waits) return undefined;
  const { label, tone } = deployStatus({ ...stage, bypassedBy: undefined }, []);
  const [word = ''] = label.replace(/^Awaiting approval ?/, '').split(' · ');
  return word === '' ? undefined : { label: word, tone };
}

/** Whether Policy Requirements says why a stage waits: the cause is a policy's. */
export function isPolicyCause({ label }: StatusLabel): boolean {
  return label !== 'Waiting';
}

/** The most destinations of which a stage shows what they wait for. */
const MAX_WAITS = 3;

/** What the queued releases of a stage wait for, after their destination's name. */
export function waitsOf(stage: PipelineStageState, steps: readonly ReleaseStepState[]): string[] {
  const waits = stepsOf(stage, steps).flatMap(({ destinationName, waitsFor }) =>
    waitsFor ? [`${destinationName}: ${waitsFor}`] : [],
  );
  const more = waits.length - MAX_WAITS;
  return more <= 0
    ? waits
    : [
        ...waits.slice(0, MAX_WAITS),
        `${more} more ${more === 1 ? 'destination waits' : 'destinations wait'}`,
      ];
}

function deployLabel(stage: PipelineStageState, steps: readonly ReleaseStepState[]): StatusLabel {
  switch (stage.status) {
    case Stage.AWAITING_APPROVAL:
      return shown('Awaiting approval for', 'waiting');
    case Stage.ACTIVE:
      return steps.every((step) => step.statusCode === Step.QUEUED)
        ? shown('Queued for', 'time')
        : shown('Deploying to', 'running');
    case Stage.SUCCEEDED:
      return shown('Deployed to', 'passed');
    case Stage.FAILED: {
      const failed = steps.some((step) => step.statusCode === Step.FAILED);
      const timedOut = steps.some((step) => step.statusCode === Step.TIMED_OUT);
      return shown(timedOut && !failed ? 'Timed out on' : 'Failed on', 'failed');
    }
    default:
      return shown('Deploy to', stage.reason ? 'time' : 'neutral');
  }
}

function waitLabel(stage: PipelineStageState): StatusLabel {
  switch (stage.status) {
    case Stage.ACTIVE:
      return shown('Waiting', 'time');
    case Stage.SUCCEEDED:
      return shown('Waited', 'passed');
    case Stage.FAILED:
      return shown('Wait', 'failed');
    default:
      return shown('Wait', 'neutral');
  }
}

function planLabel(stage: PipelineStageState): StatusLabel {
  if (stage.planStale && stage.status !== Stage.ACTIVE) return shown('Plan out of date for', 'waiting');
  switch (stage.status) {
    case Stage.ACTIVE:
      return shown('Planning', 'running');
    case Stage.AWAITING_APPROVAL:
      return shown('Awaiting plan approval for', 'waiting');
    case Stage.SUCCEEDED:
      return shown('Plan approved', 'passed');
    case Stage.FAILED:
      return shown('Plan failed', 'failed');
    default:
      return shown('Plan', stage.reason ? 'time' : 'neutral');
  }
}
