import type { BadgeTone } from '#src/components/badge.tsx';
import {
  type Artifact,
  type PipelineStageState,
  type ReleaseIntentState,
  ReleaseIntentStatus,
  ReleaseStatus,
  type ReleaseStepState,
  PipelineRunStageStatus as StageStatus,
  PipelineRunStageType as StageType,
} from '#src/gen/forest/v1/releases_pb.ts';

/** Words with the tone they are shown in. */
export interface StateWords {
  readonly words: string;
  readonly tone: BadgeTone;
}

export interface ArtifactSummary {
  readonly status: StateWords;
  /** Each environment that the artifact was sent to, in the order of its stages. */
  readonly environments: readonly (StateWords & { readonly environment: string })[];
}

/** What the list says of one artifact, from the server's states. */
export function summarise(artifact: Artifact, intent: ReleaseIntentState | undefined): ArtifactSummary {
  const deploys = (intent?.stages ?? []).filter(({ stageType }) => stageType === StageType.DEPLOY);
  const fromStages = new Map(
    deploys.map((stage) => [stage.environment ?? '', stageWords(stage, intent?.steps ?? [])]),
  );
  // What was deployed by an earlier release counts where the current one does not go.
  for (const { environment, status } of artifact.destinations) {
    const words = destinationWords(status);
    if (words && !fromStages.has(environment)) fromStages.set(environment, words);
  }
  return {
    status: statusWords(intent, fromStages.size > 0),
    environments: [...fromStages].map(([environment, state]) => ({ environment, ...state })),
  };
}

function statusWords(intent: ReleaseIntentState | undefined, deployedBefore: boolean): StateWords {
  switch (intent?.status) {
    case ReleaseIntentStatus.ACTIVE:
      return activeWords(intent);
    case ReleaseIntentStatus.SUCCEEDED:
      return { words: intent.prepareOnly ? 'Prepared' : 'Deployed', tone: 'passed' };
    case ReleaseIntentStatus.FAILED:
      return { words: 'Failed', tone: 'failed' };
    case ReleaseIntentStatus.CANCELLED:
      return { words: 'Cancelled', tone: 'neutral' };
    default:
      return deployedBefore
        ? { words: 'Deployed', tone: 'passed' }
        : { words: 'Not released', tone: 'neutral' };
  }
}

/** What a release that goes on is doing, or, when nothing of it moves, that it waits: for a person first of all. */
function activeWords(intent: ReleaseIntentState): StateWords {
  const gated = intent.stages.find(({ status }) => status === StageStatus.AWAITING_APPROVAL);
  if (gated?.stageType === StageType.PLAN) return { words: 'Awaiting plan approval', tone: 'waiting' };
  if (gated) return stageWords(gated, intent.steps);
  const moving = intent.stages.find(
    ({ status, stageType }) => status === StageStatus.ACTIVE && stageType !== StageType.WAIT,
  );
  if (!moving) return { words: 'Waiting', tone: 'waiting' };
  if (moving.stageType === StageType.PLAN) return { words: 'Planning', tone: 'waiting' };
  return stageWords(moving, intent.steps);
}

function stageWords(stage: PipelineStageState, steps: readonly ReleaseStepState[]): StateWords {
  switch (stage.status) {
    case StageStatus.AWAITING_APPROVAL:
      return {
        words: ['Awaiting approval', approvalCount(stage)].filter(Boolean).join(' '),
        tone: 'waiting',
      };
    case StageStatus.ACTIVE:
      return { words: isQueued(stage, steps) ? 'Queued' : 'Deploying', tone: 'waiting' };
    case StageStatus.SUCCEEDED:
      return { words: 'Deployed', tone: 'passed' };
    case StageStatus.FAILED:
      return { words: 'Failed', tone: 'failed' };
    case StageStatus.CANCELLED:
      return { words: 'Cancelled', tone: 'neutral' };
    default:
      return stage.reason
        ? { words: 'Waiting', tone: 'waiting' }
        : { words: 'Not deployed', tone: 'neutral' };
  }
}

/** Whether no destination of a stage has taken its release up yet: they are busy with others. */
function isQueued(stage: PipelineStageState, steps: readonly ReleaseStepState[]): boolean {
  const own = steps.filter(({ stageId }) => stageId === stage.stageId);
  return own.length > 0 && own.every(({ statusCode }) => statusCode === ReleaseStatus.QUEUED);
}

/** `1/2` out of the server's reason `awaiting approval: 1/2`; nothing when the reason says it otherwise. */
function approvalCount(stage: PipelineStageState): string {
  return /awaiting approval: (\d+\/\d+)/.exec(stage.reason ?? stage.approvalStatus ?? '')?.[1] ?? '';
}

/** A release status as the contract spells it, of what was deployed outside the shown release. */
function destinationWords(status: string): StateWords | null {
  switch (status.toUpperCase()) {
    case 'SUCCEEDED':
      return { words: 'Deployed', tone: 'passed' };
    case 'FAILED':
      return { words: 'Failed', tone: 'failed' };
    case 'TIMED_OUT':
      return { words: 'Timed out', tone: 'failed' };
    case 'CANCELLED':
      return { words: 'Cancelled', tone: 'neutral' };
    case 'QUEUED':
    case 'ASSIGNED':
    case 'RUNNING':
      return { words: 'Deploying', tone: 'waiting' };
    default:
      return null;
  }
}
