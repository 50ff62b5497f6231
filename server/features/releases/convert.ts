import { create } from '@bufbuild/protobuf';
import type { Standing } from '#domain/approval/vote.ts';
import { authorIds } from '#server/features/gate/facts.ts';
import type { StageJson } from '#server/features/gate/rows.ts';
import {
  type DestinationState,
  DestinationStateSchema,
  PipelineRunStageType,
  type PipelineStageState,
  PipelineStageStateSchema,
  type ReleaseIntentState,
  ReleaseIntentStateSchema,
  ReleaseMode,
} from '#server/gen/forest/v1/releases_pb.ts';
import { instant } from '#server/rpc/time.ts';
import type { DestinationStateRow, IntentStateRow } from './rows.ts';
import { planVerdictProblem } from './service.ts';
import { intentStatusToWire, releaseStatusToWire, stageStatusToWire } from './status.ts';

const STAGE_TYPES: Readonly<Record<StageJson['type'], PipelineRunStageType>> = {
  deploy: PipelineRunStageType.DEPLOY,
  wait: PipelineRunStageType.WAIT,
  plan: PipelineRunStageType.PLAN,
};

/** Times within a row's JSON, as the wire has them: RFC 3339 in UTC, to the millisecond. */
export const jsonInstant = (text: string | null): string | undefined =>
  text === null ? undefined : instant(new Date(text));

/** What a stage waits for a person with: a plan's verdict, or an approval of its gate. */
export const approvalStatusOf = (stage: StageJson): string | undefined =>
  stage.planApproval ?? (stage.status === 'AWAITING_APPROVAL' ? 'AWAITING' : undefined);

export interface Viewer {
  readonly userId: string;
  readonly role: Standing;
}

export const intentToWire = (row: IntentStateRow, viewer: Viewer): ReleaseIntentState => {
  const isAuthor = authorIds(row).has(viewer.userId);
  return create(ReleaseIntentStateSchema, {
    releaseIntentId: row.id,
    artifactId: row.artifactId,
    project: row.project,
    createdAt: instant(row.createdAt),
    stages: row.stages.map((stage) => stageToWire(stage, row, isAuthor, viewer)),
    steps: row.steps.map((step) => ({
      releaseId: step.id,
      stageId: step.stageId,
      destinationName: step.destinationName,
      environment: step.environment,
      status: step.status,
      queuedAt: jsonInstant(step.queuedAt),
      assignedAt: jsonInstant(step.assignedAt),
      startedAt: jsonInstant(step.startedAt),
      completedAt: jsonInstant(step.completedAt),
      errorMessage: step.errorMessage ?? undefined,
      statusCode: releaseStatusToWire[step.status],
      mode: step.mode === 'plan' ? ReleaseMode.PLAN : ReleaseMode.DEPLOY,
      destinationType: step.destinationType,
      attempt: step.attempt,
    })),
    status: intentStatusToWire[row.status],
    actorId: row.actorId,
    actorUsername: row.actorUsername,
    slug: row.slug,
    canCancel: row.status === 'ACTIVE' && (isAuthor || viewer.role === 'admin'),
    completedAt: instant(row.completedAt),
    errorMessage: row.errorMessage ?? undefined,
    prepareOnly: row.prepareOnly,
    force: row.force,
  });
};

function stageToWire(
  stage: StageJson,
  intent: IntentStateRow,
  isAuthor: boolean,
  viewer: Viewer,
): PipelineStageState {
  const planWaits = stage.type === 'plan' && stage.status === 'AWAITING_APPROVAL';
  const planProblem = planWaits ? planVerdictProblem('APPROVED', isAuthor, viewer.role) : null;
  return create(PipelineStageStateSchema, {
    stageId: stage.id,
    dependsOn: [...stage.dependsOn],
    stageType: STAGE_TYPES[stage.type],
    status: stageStatusToWire[stage.status],
    queuedAt: jsonInstant(stage.queuedAt),
    startedAt: jsonInstant(stage.startedAt),
    completedAt: jsonInstant(stage.completedAt),
    errorMessage: stage.errorMessage ?? undefined,
    environment: stage.environment ?? undefined,
    durationSeconds: stage.durationSeconds === null ? undefined : BigInt(stage.durationSeconds),
    waitUntil: jsonInstant(stage.waitUntil),
    releaseIds: intent.steps.filter((step) => step.stageId === stage.id).map((step) => step.id),
    approvalStatus: approvalStatusOf(stage),
    autoApprove: stage.type === 'plan' ? stage.autoApprove : undefined,
    reason: stage.reason ?? undefined,
    nextCheckAt: jsonInstant(stage.nextCheckAt),
    canApprovePlan: planWaits && planProblem === null,
    planBlockedReason: planProblem ?? undefined,
  });
}

export const destinationStateToWire = (row: DestinationStateRow): DestinationState =>
  create(DestinationStateSchema, {
    destinationId: row.destinationId,
    destinationName: row.destinationName,
    environment: row.environment,
    releaseId: row.releaseId ?? undefined,
    artifactId: row.artifactId ?? undefined,
    status: row.status ?? undefined,
    errorMessage: row.errorMessage ?? undefined,
    queuedAt: instant(row.queuedAt),
    completedAt: instant(row.completedAt),
    queuePosition: row.queuePosition ?? undefined,
    releaseIntentId: row.intentId ?? undefined,
    stageId: row.stageId ?? undefined,
    assignedAt: instant(row.assignedAt),
    startedAt: instant(row.startedAt),
    statusCode: row.status === null ? undefined : releaseStatusToWire[row.status],
    destinationType: row.destinationType,
    slug: row.slug ?? undefined,
  });
