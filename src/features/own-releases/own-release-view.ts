import {
  type MyRelease,
  type PipelineStageState,
  type ReleaseIntentState,
  ReleaseStatus,
  PipelineRunStageStatus as Stage,
  PipelineRunStageType as StageType,
} from '#src/gen/forest/v1/releases_pb.ts';
import { intentStatus } from '#src/lib/intent-status.ts';
import type { StatusLabel } from '#src/lib/release-status.ts';

export interface OwnReleaseView {
  /** The first line of the build's title, or its slug. */
  readonly title: string;
  /** What it waits for or does. */
  readonly status: StatusLabel;
  /** Where; undefined for a wait. */
  readonly environment: string | undefined;
  /** More about it: how far a deployment is, or why it waits. */
  readonly detail: string;
}

/** What an author reads about a release that is under way. */
export function ownReleaseView({ title, intent }: MyRelease): OwnReleaseView {
  const stage = intent && stageOf(intent);
  const status = intentStatus(intent);
  return {
    title: title.split('\n', 1)[0]?.trim() || intent?.slug || '',
    status,
    environment: stage?.environment,
    // What waits for time alone says until when in its status.
    detail: intent && stage && status.tone !== 'time' ? detailOf(stage, intent) : '',
  };
}

/** The stage that the status is about: what waits for a person comes first. */
function stageOf({ stages }: ReleaseIntentState): PipelineStageState | undefined {
  return (
    stages.find(({ status }) => status === Stage.AWAITING_APPROVAL) ??
    stages.find(({ status, stageType }) => status === Stage.ACTIVE && stageType !== StageType.WAIT) ??
    stages.find(({ status, reason }) => status === Stage.PENDING && reason) ??
    stages.find(({ status }) => status === Stage.ACTIVE)
  );
}

function detailOf(stage: PipelineStageState, { steps }: ReleaseIntentState): string {
  if (stage.status === Stage.PENDING) return stage.reason ?? '';
  const own = steps.filter(({ stageId }) => stageId === stage.stageId);
  if (stage.status !== Stage.ACTIVE || own.length < 2) return '';
  const done = own.filter(({ statusCode }) => statusCode === ReleaseStatus.SUCCEEDED).length;
  return `${done} of ${own.length} destinations`;
}
