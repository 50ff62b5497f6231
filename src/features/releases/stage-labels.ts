import {
  type PipelineStageState,
  ReleaseMode,
  type ReleaseStepState,
  PipelineRunStageStatus as Stage,
  PipelineRunStageType as StageType,
  ReleaseStatus as Step,
} from '#src/gen/forest/v1/releases_pb.ts';
import { deployStatus, type StatusLabel } from '#src/lib/release-status.ts';

export type Tone = 'passed' | 'running' | 'waiting' | 'time' | 'failed' | 'neutral';

/** How a stage is shown: its label, which the environment's name follows, and its colour. */
export interface StageLabel {
  readonly label: string;
  readonly tone: Tone;
  /** Whether the stage is in progress; its icon spins. */
  readonly moving: boolean;
}

const still = (label: string, tone: Tone): StageLabel => ({ label, tone, moving: false });
const moving = (label: string): StageLabel => ({ label, tone: 'running', moving: true });

/**
 * The label of one stage. `steps` are the intent's releases; those of other stages are ignored. A running deploy stage is
 * queued until a destination has started one of its releases; a failed one has timed out if no release failed otherwise.
 */
export function stageLabel(stage: PipelineStageState, steps: readonly ReleaseStepState[]): StageLabel {
  if (stage.status === Stage.CANCELLED)
    return still(stage.supersededBySlug ? 'Superseded' : 'Cancelled', 'neutral');
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

function deployLabel(stage: PipelineStageState, steps: readonly ReleaseStepState[]): StageLabel {
  switch (stage.status) {
    case Stage.AWAITING_APPROVAL:
      return still('Awaiting approval for', 'waiting');
    case Stage.ACTIVE:
      return steps.every((step) => step.statusCode === Step.QUEUED)
        ? still('Queued for', 'time')
        : moving('Deploying to');
    case Stage.SUCCEEDED:
      return still('Deployed to', 'passed');
    case Stage.FAILED: {
      const failed = steps.some((step) => step.statusCode === Step.FAILED);
      const timedOut = steps.some((step) => step.statusCode === Step.TIMED_OUT);
      return still(timedOut && !failed ? 'Timed out on' : 'Failed on', 'failed');
    }
    default:
      return still('Deploy to', stage.reason ? 'time' : 'neutral');
  }
}

function waitLabel(stage: PipelineStageState): StageLabel {
  switch (stage.status) {
    case Stage.ACTIVE:
      return still('Waiting', 'time');
    case Stage.SUCCEEDED:
      return still('Waited', 'passed');
    case Stage.FAILED:
      return still('Wait', 'failed');
    default:
      return still('Wait', 'neutral');
  }
}

function planLabel(stage: PipelineStageState): StageLabel {
  if (stage.planStale && stage.status !== Stage.ACTIVE) return still('Plan out of date for', 'waiting');
  switch (stage.status) {
    case Stage.ACTIVE:
      return moving('Planning');
    case Stage.AWAITING_APPROVAL:
      return still('Awaiting plan approval for', 'waiting');
    case Stage.SUCCEEDED:
      return still('Plan approved', 'passed');
    case Stage.FAILED:
      return still('Plan failed', 'failed');
    default:
      return still('Plan', stage.reason ? 'time' : 'neutral');
  }
}

/** The state of one delivery or plan. */
export function stepLabel({ statusCode, mode, cancelling }: ReleaseStepState): StatusLabel {
  if (cancelling) return { label: 'Cancelling', tone: 'time' };
  const plans = mode === ReleaseMode.PLAN;
  switch (statusCode) {
    case Step.QUEUED:
      return { label: 'Queued', tone: 'time' };
    case Step.ASSIGNED:
    case Step.RUNNING:
      return { label: plans ? 'Planning' : 'Deploying', tone: 'running' };
    case Step.SUCCEEDED:
      return { label: plans ? 'Planned' : 'Deployed', tone: 'passed' };
    case Step.FAILED:
      return { label: 'Failed', tone: 'failed' };
    case Step.TIMED_OUT:
      return { label: 'Timed out', tone: 'failed' };
    default:
      return { label: 'Cancelled', tone: 'neutral' };
  }
}
