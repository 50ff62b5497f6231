import { createHash } from 'node:crypto';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import type { BallotEffect } from '#domain/approval/effect.ts';
import type { CallerRole } from '#domain/approval/vote.ts';
import { directionToWire, liveBuildToWire } from '#server/features/gate/convert.ts';
import {
  decisionToWire,
  evaluationToWire,
  policyTypeToWire,
  warningToWire,
} from '#server/features/policies/convert.ts';
import { destinationStateToWire, intentToWire } from '#server/features/releases/convert.ts';
import {
  type BallotEffectSchema,
  type DestinationChangeSchema,
  type EnvironmentRequirementsSchema,
  type GetReleaseRequirementsResponse,
  GetReleaseRequirementsResponseSchema,
  type PendingApprovalSchema,
  PendingKind,
} from '#server/gen/forest/v1/policies_pb.ts';
import {
  PipelineRunStageStatus,
  type ReleaseIntentState,
  ReleaseIntentStatus,
} from '#server/gen/forest/v1/releases_pb.ts';
import { timestamp } from '#server/wire/timestamps.ts';
import type { PendingApproval, PlacedRequirements, Requirements, ToldChange } from './service.ts';

/** The requirements with their revision, a digest that changes exactly when anything else in the answer does. */
export function requirementsToWire(found: Requirements): GetReleaseRequirementsResponse {
  const { viewer } = found;
  const { intent, authors } = found.facts;
  const { actorId, actorUsername, id, status } = intent;
  const answer = create(GetReleaseRequirementsResponseSchema, {
    releaseIntentId: id,
    intentStatus: ReleaseIntentStatus[status],
    isReleaseAuthor: authors.has(viewer.userId),
    isAdmin: viewer.role === 'admin',
    authorUserId: actorId,
    authorUsername: actorUsername,
    authors: intent.authors.map(({ userId, username }) => ({ userId, username })),
    environments: found.environments.map((one) => environmentToWire(one, found)),
    intent: withRetries(intentToWire(found.intent, viewer, found.outlooks), found.retryRefusals),
    destinations: found.destinations.map(destinationStateToWire),
  });
  const bytes = toBinary(GetReleaseRequirementsResponseSchema, answer);
  answer.revision = createHash('sha256').update(bytes).digest('base64url');
  return answer;
}

/** The intent, with the stages that the viewer can retry. */
function withRetries(
  intent: ReleaseIntentState,
  refusals: Requirements['retryRefusals'],
): ReleaseIntentState {
  for (const stage of intent.stages) stage.canRetry = refusals.get(stage.stageId) === null;
  return intent;
}

function environmentToWire(
  required: PlacedRequirements,
  { viewer: { userId, role }, retryRefusals }: Requirements,
): MessageInitShape<typeof EnvironmentRequirementsSchema> {
  const { environment, stage, judged, passed, permissions, withdrawal, effects, warnings } = required;
  const retryRefusal = retryRefusals.get(stage.id) ?? null;
  const mine = judged
    .flatMap(({ evaluation }) => evaluation.approval?.decisions ?? [])
    .find((vote) => vote.userId === userId);
  return {
    environment,
    stageId: stage.id,
    stageStatus: PipelineRunStageStatus[stage.status],
    evaluations: judged.map(evaluationToWire),
    allPassed: passed,
    canApprove: permissions.approve,
    canReject: permissions.reject,
    canBypass: permissions.bypass,
    canWithdraw: withdrawal,
    myDecision: mine === undefined ? undefined : decisionToWire(mine),
    approveEffect: effectToWire(effects.approve),
    rejectEffect: effectToWire(effects.reject),
    bypassEffect: effectToWire(effects.bypass),
    warnings: warnings.map(warningToWire),
    direction: directionToWire[required.direction],
    live: required.live.map(liveBuildToWire),
    canEndHold: endHoldPermission(required, role),
    canRetry: { allowed: retryRefusal === null, reason: retryRefusal?.message ?? '' },
    openedAt: timestamp(required.openedAt),
    destinationChanges: required.changes.map(changeToWire),
  };
}

const changeToWire = ({
  destination,
  change,
  by,
  at,
  sentence,
}: ToldChange): MessageInitShape<typeof DestinationChangeSchema> => ({
  destination,
  change,
  by,
  at: timestamp(at),
  sentence,
});

/** Any member may end a hold. */
function endHoldPermission({ environment, judged }: PlacedRequirements, role: CallerRole) {
  const isHeld = judged.some(({ evaluation }) => evaluation.type === 'hold' && !evaluation.passed);
  const reason = isHeld ? 'Service accounts cannot end a hold' : `${environment} is not on hold`;
  const allowed = isHeld && role !== 'service';
  return { allowed, reason: allowed ? '' : reason };
}

const effectToWire = (
  effect: BallotEffect | null,
): MessageInitShape<typeof BallotEffectSchema> | undefined =>
  effect === null
    ? undefined
    : {
        completes: [...effect.completes],
        opens: effect.opens,
        remaining: effect.remaining.map(({ policyName, type, reason }) => ({
          policyName,
          policyType: policyTypeToWire[type],
          reason,
        })),
        opensAt: timestamp(effect.opensAt),
        undoes: [...effect.undoes],
      };

export const pendingToWire = ({
  row,
  tally,
  direction,
  live,
  uncertain,
  changes,
}: PendingApproval): MessageInitShape<typeof PendingApprovalSchema> => ({
  kind: row.type === 'plan' ? PendingKind.PLAN : PendingKind.APPROVAL,
  releaseIntentId: row.releaseIntentId,
  project: { organisation: row.organisation, project: row.project },
  artifactId: row.artifactId,
  slug: row.slug,
  title: row.title,
  version: row.version ?? undefined,
  branch: row.branch ?? undefined,
  commitSha: row.commitSha,
  buildOrder: BigInt(row.buildOrder),
  environmentSortOrder: row.environmentSortOrder,
  stageId: row.stageId,
  environment: row.environment,
  requiredApprovals: tally.required,
  currentApprovals: tally.current,
  authorUsername: row.actorUsername,
  waitingSince: timestamp(row.waitingSince),
  stageStatus: PipelineRunStageStatus[row.status],
  direction: directionToWire[direction],
  replacesSlug: live[0]?.slug,
  live: live.map(liveBuildToWire),
  uncertain,
  unknownSource: !row.knowsSource,
  isRollback: direction === 'rollback' || direction === 'older',
  rejections: tally.decisions
    .filter(({ counted, decision }) => counted && decision === 'rejected')
    .map(decisionToWire),
  destinationChanges: changes.map(changeToWire),
});
