import { createHash } from 'node:crypto';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import type { BallotEffect } from '#domain/approval/effect.ts';
import {
  decisionToWire,
  judgedToWire,
  policyTypeToWire,
  warningToWire,
} from '#server/features/policies/convert.ts';
import { destinationStateToWire, intentToWire, type Viewer } from '#server/features/releases/convert.ts';
import { intentStatusToWire, stageStatusToWire } from '#server/features/releases/status.ts';
import {
  type BallotEffectSchema,
  type EnvironmentRequirementsSchema,
  type GetReleaseRequirementsResponse,
  GetReleaseRequirementsResponseSchema,
} from '#server/gen/forest/v1/policies_pb.ts';
import { instant } from '#server/rpc/time.ts';
import type { EnvironmentRequirements, Requirements } from './requirements-service.ts';

/** A release's page as the contract has it, for one viewer, with its revision. */
export function requirementsToWire(found: Requirements, viewer: Viewer): GetReleaseRequirementsResponse {
  const { intent, authors } = found.facts;
  const { actorId, actorUsername, id, status } = intent;
  const answer = create(GetReleaseRequirementsResponseSchema, {
    releaseIntentId: id,
    intentStatus: intentStatusToWire[status],
    isReleaseAuthor: authors.has(viewer.userId),
    isAdmin: viewer.role === 'admin',
    authorUserId: actorId,
    authorUsername: actorUsername,
    authors: intent.authors.map(({ userId, username }) => ({ userId, username })),
    environments: found.environments.map((one) => environmentToWire(one, viewer.userId)),
    intent: intentToWire(found.intent, viewer),
    destinations: found.destinations.map(destinationStateToWire),
  });
  // A digest of the answer changes when, and only when, anything in the answer does.
  const bytes = toBinary(GetReleaseRequirementsResponseSchema, answer);
  answer.revision = createHash('sha256').update(bytes).digest('base64url');
  return answer;
}

function environmentToWire(
  { environment, stage, judged, passed, permissions, effects, warnings }: EnvironmentRequirements,
  userId: string,
): MessageInitShape<typeof EnvironmentRequirementsSchema> {
  const mine = judged
    .flatMap(({ evaluation }) => evaluation.approval?.decisions ?? [])
    .find((vote) => vote.userId === userId);
  return {
    environment,
    stageId: stage.id,
    stageStatus: stageStatusToWire[stage.status],
    evaluations: judged.map(judgedToWire),
    allPassed: passed,
    canApprove: permissions.approve,
    canReject: permissions.reject,
    canBypass: permissions.bypass,
    myDecision: mine === undefined ? undefined : decisionToWire(mine),
    approveEffect: effectToWire(effects.approve),
    rejectEffect: effectToWire(effects.reject),
    bypassEffect: effectToWire(effects.bypass),
    warnings: warnings.map(warningToWire),
  };
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
        opensAt: instant(effect.opensAt),
        undoes: [...effect.undoes],
      };
