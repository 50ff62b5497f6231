import type { BadgeTone } from '#src/components/badge.tsx';
import {
  BuildState,
  type PipelineStageState,
  ReleaseStatus,
  type ReleaseStepState,
  PipelineRunStageStatus as StageStatus,
} from '#src/gen/forest/v1/releases_pb.ts';

/** A state with its colour. */
export interface StatusLabel {
  readonly label: string;
  readonly tone: BadgeTone;
}

/** A build at a destination. */
export interface PlacedBuild {
  readonly environment: string;
  readonly buildState: BuildState;
}

/** The state of a build at a destination. Only the live build is live. */
export function buildLabel(state: BuildState): StatusLabel {
  switch (state) {
    case BuildState.LIVE:
      return { label: 'Live', tone: 'live' };
    case BuildState.REPLACED:
      return { label: 'Was live', tone: 'neutral' };
    case BuildState.DEPLOYING:
      return { label: 'Deploying', tone: 'running' };
    case BuildState.QUEUED:
      return { label: 'Queued', tone: 'time' };
    case BuildState.UNCERTAIN:
      return { label: 'Uncertain', tone: 'waiting' };
    case BuildState.FAILED:
      return { label: 'Failed', tone: 'failed' };
    case BuildState.TIMED_OUT:
      return { label: 'Timed out', tone: 'failed' };
    case BuildState.CANCELLED:
      return { label: 'Cancelled', tone: 'neutral' };
    default:
      return { label: 'Not deployed', tone: 'neutral' };
  }
}

/** The first that a build has at one of several destinations is shown for all of them. */
const FIRST_STATES = [
  BuildState.DEPLOYING,
  BuildState.QUEUED,
  BuildState.UNCERTAIN,
  BuildState.LIVE,
  BuildState.REPLACED,
  BuildState.FAILED,
  BuildState.TIMED_OUT,
  BuildState.CANCELLED,
];

/** The state of a build in an environment; undefined if it was never sent there. */
export function environmentLabel(
  places: readonly PlacedBuild[],
  environment: string | undefined,
): StatusLabel | undefined {
  const own = places.filter((place) => place.environment === environment);
  const state = FIRST_STATES.find((one) => own.some(({ buildState }) => buildState === one));
  return state && buildLabel(state);
}

export const DEPLOYED: StatusLabel = { label: 'Deployed', tone: 'passed' };

/** A bypass never looks like an approval, whatever became of the deployment. */
export function withBypass(status: StatusLabel, bypassedBy: string | undefined): StatusLabel {
  return bypassedBy ? { label: `Bypassed · ${status.label.toLowerCase()}`, tone: 'bypassed' } : status;
}

/** The status of a deployment to one environment, and whether by a bypass. `steps` are the release's deliveries, `places` the build's destinations. */
export function deployStatus(
  stage: PipelineStageState,
  steps: readonly ReleaseStepState[],
  places: readonly PlacedBuild[] = [],
): StatusLabel {
  return withBypass(stageStatus(stage, steps, places), stage.bypassedBy);
}

function stageStatus(
  stage: PipelineStageState,
  steps: readonly ReleaseStepState[],
  places: readonly PlacedBuild[],
): StatusLabel {
  switch (stage.status) {
    case StageStatus.AWAITING_APPROVAL:
      return {
        label: ['Awaiting approval', approvalCount(stage)].filter(Boolean).join(' '),
        tone: 'waiting',
      };
    case StageStatus.ACTIVE:
      return buildLabel(isQueued(stage, steps) ? BuildState.QUEUED : BuildState.DEPLOYING);
    case StageStatus.SUCCEEDED:
      return environmentLabel(places, stage.environment) ?? DEPLOYED;
    case StageStatus.FAILED:
      return { label: 'Failed', tone: 'failed' };
    case StageStatus.CANCELLED:
      return { label: stage.supersededBySlug ? 'Superseded' : 'Cancelled', tone: 'neutral' };
    default:
      return stage.reason ? blockedStatus(stage.reason) : { label: 'Not deployed', tone: 'neutral' };
  }
}

/** What a stage waits for that needs no vote, by the server's reason: a rule that never passes, a person, or time alone. */
export function blockedStatus(reason: string): StatusLabel {
  if (reason.includes(' does not match ') || reason.includes('no branch is recorded'))
    return { label: 'Blocked', tone: 'blocked' };
  if (reason.includes('on hold since')) return { label: 'On hold', tone: 'waiting' };
  const left = /(?:^|; )(\S+(?: \S+)?) left of /.exec(reason)?.[1];
  return { label: left ? `Soaking · ${left} left` : 'Waiting', tone: 'time' };
}

/** Whether no destination of a stage has started its release. */
function isQueued(stage: PipelineStageState, steps: readonly ReleaseStepState[]): boolean {
  const own = steps.filter(({ stageId }) => stageId === stage.stageId);
  return own.length > 0 && own.every(({ statusCode }) => statusCode === ReleaseStatus.QUEUED);
}

/** `1/2` from the server's reason `awaiting approval: 1/2`, else empty. */
function approvalCount(stage: PipelineStageState): string {
  return /awaiting approval: (\d+\/\d+)/.exec(stage.reason ?? stage.approvalStatus ?? '')?.[1] ?? '';
}
