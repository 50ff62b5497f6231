import {
  ReleaseIntentStatus as Intent,
  type ReleaseIntentState,
  PipelineRunStageStatus as Stage,
  PipelineRunStageType as StageType,
  ReleaseStatus as Step,
} from '#src/gen/forest/v1/releases_pb.ts';
import type { Tone } from './stage-words.ts';

export interface IntentChoice {
  /** The release the page is about; undefined when the artifact was never released. */
  readonly current: ReleaseIntentState | undefined;
  /** All others, newest first. */
  readonly earlier: readonly ReleaseIntentState[];
}

/** Chooses the release to show: the newest that is still going on, else the newest. */
export function chooseIntent(intents: readonly ReleaseIntentState[]): IntentChoice {
  // RFC 3339 in UTC sorts as text; the id (UUID version 7) settles what was asked for in the same instant.
  const newestFirst = [...intents].sort(
    (a, b) => b.createdAt.localeCompare(a.createdAt) || b.releaseIntentId.localeCompare(a.releaseIntentId),
  );
  const current = newestFirst.find((intent) => intent.status === Intent.ACTIVE) ?? newestFirst[0];
  return { current, earlier: newestFirst.filter((intent) => intent !== current) };
}

/** Whether anything about these releases can still change by itself. */
export function anyActive(intents: readonly ReleaseIntentState[] | undefined): boolean {
  return intents?.some((intent) => intent.status === Intent.ACTIVE) ?? false;
}

/** A release in one or two words, for the pill beside the title. Ended ones say how; going ones what they wait for. */
export function intentWords(intent: ReleaseIntentState | undefined): { words: string; tone: Tone } {
  if (!intent) return { words: 'Not released', tone: 'neutral' };
  switch (intent.status) {
    case Intent.SUCCEEDED:
      return { words: intent.prepareOnly ? 'Prepared' : 'Deployed', tone: 'passed' };
    case Intent.FAILED:
      return { words: 'Failed', tone: 'failed' };
    case Intent.CANCELLED:
      return { words: 'Cancelled', tone: 'neutral' };
    default:
      return { words: activeWords(intent), tone: 'waiting' };
  }
}

function activeWords(intent: ReleaseIntentState): string {
  const has = (status: Stage, type: StageType) =>
    intent.stages.some((stage) => stage.status === status && stage.stageType === type);
  if (has(Stage.AWAITING_APPROVAL, StageType.PLAN)) return 'Awaiting plan approval';
  if (has(Stage.AWAITING_APPROVAL, StageType.DEPLOY)) return 'Awaiting approval';
  if (has(Stage.ACTIVE, StageType.DEPLOY)) {
    const taken = intent.steps.some(
      (step) => step.statusCode === Step.ASSIGNED || step.statusCode === Step.RUNNING,
    );
    return taken ? 'Deploying' : 'Queued';
  }
  if (has(Stage.ACTIVE, StageType.PLAN)) return 'Planning';
  return 'Waiting';
}
