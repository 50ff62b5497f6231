import {
  type PipelineStageState,
  type ReleaseStepState,
  PipelineRunStageStatus as Stage,
  PipelineRunStageType as StageType,
  ReleaseStatus as Step,
} from '#src/gen/forest/v1/releases_pb.ts';

export type Tone = 'passed' | 'waiting' | 'failed' | 'neutral';

/** What a stage's row says: words that end before the environment's name, and what colour carries. */
export interface StageWords {
  readonly words: string;
  readonly tone: Tone;
  /** True while the stage is being worked on, so that its icon may move. */
  readonly moving: boolean;
}

const still = (words: string, tone: Tone): StageWords => ({ words, tone, moving: false });
const moving = (words: string): StageWords => ({ words, tone: 'waiting', moving: true });

/**
 * The words of one stage. `steps` are the intent's releases; those of other stages are ignored.
 * A running deploy stage is queued while none of its releases has been taken up by its destination, and a failed one has
 * timed out when time ran out somewhere and nothing failed otherwise.
 */
export function stageWords(stage: PipelineStageState, steps: readonly ReleaseStepState[]): StageWords {
  if (stage.status === Stage.CANCELLED) return still('Cancelled', 'neutral');
  switch (stage.stageType) {
    case StageType.WAIT:
      return waitWords(stage);
    case StageType.PLAN:
      return planWords(stage);
    default:
      return deployWords(stage, stepsOf(stage, steps));
  }
}

/** The releases that one stage started, in the order the server lists them. */
export function stepsOf(stage: PipelineStageState, steps: readonly ReleaseStepState[]): ReleaseStepState[] {
  return steps.filter((step) => step.stageId === stage.stageId);
}

function deployWords(stage: PipelineStageState, steps: readonly ReleaseStepState[]): StageWords {
  switch (stage.status) {
    case Stage.AWAITING_APPROVAL:
      return still('Awaiting approval for', 'waiting');
    case Stage.ACTIVE:
      return steps.every((step) => step.statusCode === Step.QUEUED)
        ? still('Queued for', 'waiting')
        : moving('Deploying to');
    case Stage.SUCCEEDED:
      return still('Deployed to', 'passed');
    case Stage.FAILED: {
      const failed = steps.some((step) => step.statusCode === Step.FAILED);
      const timedOut = steps.some((step) => step.statusCode === Step.TIMED_OUT);
      return still(timedOut && !failed ? 'Timed out on' : 'Failed on', 'failed');
    }
    default:
      return still('Deploy to', stage.reason ? 'waiting' : 'neutral');
  }
}

function waitWords(stage: PipelineStageState): StageWords {
  switch (stage.status) {
    case Stage.ACTIVE:
      return still('Waiting', 'waiting');
    case Stage.SUCCEEDED:
      return still('Waited', 'passed');
    case Stage.FAILED:
      return still('Wait', 'failed');
    default:
      return still('Wait', 'neutral');
  }
}

function planWords(stage: PipelineStageState): StageWords {
  switch (stage.status) {
    case Stage.ACTIVE:
      return moving('Planning');
    case Stage.AWAITING_APPROVAL:
      return still('Awaiting plan approval', 'waiting');
    case Stage.SUCCEEDED:
      return still('Plan approved', 'passed');
    case Stage.FAILED:
      return still('Plan failed', 'failed');
    default:
      return still('Plan', 'neutral');
  }
}
