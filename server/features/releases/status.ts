import type { IntentStatus, ReleaseStatus, StageStatus } from '#domain/release/stage.ts';
import {
  PipelineRunStageStatus,
  ReleaseIntentStatus,
  ReleaseStatus as WireReleaseStatus,
} from '#server/gen/forest/v1/releases_pb.ts';

/** The statuses as the wire's enums have them: one table each. */
export const stageStatusToWire: Readonly<Record<StageStatus, PipelineRunStageStatus>> = {
  PENDING: PipelineRunStageStatus.PENDING,
  ACTIVE: PipelineRunStageStatus.ACTIVE,
  SUCCEEDED: PipelineRunStageStatus.SUCCEEDED,
  FAILED: PipelineRunStageStatus.FAILED,
  CANCELLED: PipelineRunStageStatus.CANCELLED,
  AWAITING_APPROVAL: PipelineRunStageStatus.AWAITING_APPROVAL,
};

export const intentStatusToWire: Readonly<Record<IntentStatus, ReleaseIntentStatus>> = {
  ACTIVE: ReleaseIntentStatus.ACTIVE,
  SUCCEEDED: ReleaseIntentStatus.SUCCEEDED,
  FAILED: ReleaseIntentStatus.FAILED,
  CANCELLED: ReleaseIntentStatus.CANCELLED,
};

export const releaseStatusToWire: Readonly<Record<ReleaseStatus, WireReleaseStatus>> = {
  QUEUED: WireReleaseStatus.QUEUED,
  ASSIGNED: WireReleaseStatus.ASSIGNED,
  RUNNING: WireReleaseStatus.RUNNING,
  SUCCEEDED: WireReleaseStatus.SUCCEEDED,
  FAILED: WireReleaseStatus.FAILED,
  TIMED_OUT: WireReleaseStatus.TIMED_OUT,
  CANCELLED: WireReleaseStatus.CANCELLED,
};
