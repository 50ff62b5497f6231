import {
  type ReleaseIntentState,
  ReleaseIntentStatus,
  PipelineRunStageStatus as StageStatus,
  PipelineRunStageType as StageType,
} from '#src/gen/forest/v1/releases_pb.ts';
import { serverNow } from './clock.ts';
import {
  DEPLOYED,
  deployStatus,
  environmentLabel,
  type PlacedBuild,
  type StatusLabel,
  withBypass,
} from './release-status.ts';
import { shortEnd, timeOf } from './time-words.ts';

/** The status of a release, and who has rejected it. */
export function statusLabels(
  intent: ReleaseIntentState | undefined,
  places?: readonly PlacedBuild[],
): StatusLabel[] {
  const rejectedBy = [...new Set(intent?.stages.flatMap((stage) => stage.rejectedBy))];
  const others = rejectedBy.length > 1 ? ` and ${rejectedBy.length - 1} more` : '';
  const rejection: StatusLabel = { label: `Rejected by ${rejectedBy[0]}${others}`, tone: 'failed' };
  return [intentStatus(intent, places), ...(rejectedBy.length > 0 ? [rejection] : [])];
}

/**
 * The status of a release: how it ended, what it does, or what it waits for. One that succeeded has the state of its build in its last
 * environment.
 */
export function intentStatus(
  intent: ReleaseIntentState | undefined,
  places: readonly PlacedBuild[] = [],
): StatusLabel {
  switch (intent?.status) {
    case ReleaseIntentStatus.ACTIVE:
      return activeLabel(intent);
    case ReleaseIntentStatus.SUCCEEDED:
      return intent.prepareOnly ? { label: 'Prepared', tone: 'passed' } : endLabel(intent, places);
    case ReleaseIntentStatus.FAILED:
      return withBypass(
        { label: 'Failed', tone: 'failed' },
        intent.stages.find(({ status }) => status === StageStatus.FAILED)?.bypassedBy,
      );
    case ReleaseIntentStatus.CANCELLED:
      return { label: intent.supersededBySlug ? 'Superseded' : 'Cancelled', tone: 'neutral' };
    default:
      return { label: 'Not released', tone: 'neutral' };
  }
}

function endLabel(intent: ReleaseIntentState, places: readonly PlacedBuild[]): StatusLabel {
  const last = intent.stages.findLast(({ stageType }) => stageType === StageType.DEPLOY);
  return withBypass(environmentLabel(places, last?.environment) ?? DEPLOYED, last?.bypassedBy);
}

/** What an active release waits for or does; what needs a person comes first. */
function activeLabel(intent: ReleaseIntentState): StatusLabel {
  const gated = intent.stages.find(({ status }) => status === StageStatus.AWAITING_APPROVAL);
  if (gated?.stageType === StageType.PLAN) return { label: 'Awaiting plan approval', tone: 'waiting' };
  if (gated) return deployStatus(gated, intent.steps);
  const moving = intent.stages.find(
    ({ status, stageType }) => status === StageStatus.ACTIVE && stageType !== StageType.WAIT,
  );
  const blocked = intent.stages.find(({ status, reason }) => status === StageStatus.PENDING && reason);
  if (!moving) return blocked ? deployStatus(blocked, []) : waitStatus(intent);
  if (moving.stageType === StageType.PLAN) return { label: 'Planning', tone: 'running' };
  return deployStatus(moving, intent.steps);
}

/** A wait stage, and when it ends. */
function waitStatus({ stages }: ReleaseIntentState): StatusLabel {
  const until = timeOf(stages.find(({ status }) => status === StageStatus.ACTIVE)?.waitUntil);
  return { label: until ? `Waiting until ${shortEnd(until, serverNow())}` : 'Waiting', tone: 'time' };
}
