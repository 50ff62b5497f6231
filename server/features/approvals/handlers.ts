import { createHash } from 'node:crypto';
import { create, toBinary } from '@bufbuild/protobuf';
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import { approvalStateToWire, decisionToWire, evaluationToWire } from '#server/features/policies/convert.ts';
import { intentStatusToWire, stageStatusToWire } from '#server/features/releases/status.ts';
import {
  type ApproveReleaseRequest,
  type GetApprovalStateRequest,
  type GetReleaseRequirementsResponse,
  GetReleaseRequirementsResponseSchema,
  type PolicyService,
  type RejectReleaseRequest,
} from '#server/gen/forest/v1/policies_pb.ts';
import { callerOf, type ProjectScope, projectOf } from '#server/rpc/access.ts';
import { pageOf } from '#server/rpc/page.ts';
import { instant } from '#server/rpc/time.ts';
import * as approvals from './service.ts';

type Methods =
  | 'approveRelease'
  | 'rejectRelease'
  | 'getApprovalState'
  | 'externalApproveRelease'
  | 'externalRejectRelease'
  | 'getExternalApprovalState'
  | 'getReleaseRequirements'
  | 'listPendingApprovals';

/** The votes' part of PolicyService. */
export function approvalHandlers(app: AppContext): Pick<ServiceImpl<typeof PolicyService>, Methods> {
  const approve = async (request: ApproveReleaseRequest, context: HandlerContext) => {
    const state = await approvals.vote(app, callerOf(context), projectOf(context), {
      kind: 'approve',
      bypass: request.forceBypass,
      comment: request.comment ?? '',
      releaseIntentId: request.releaseIntentId,
      environment: request.targetEnvironment,
    });
    return { state: approvalStateToWire(state) };
  };
  const reject = async (request: RejectReleaseRequest, context: HandlerContext) => {
    const state = await approvals.vote(app, callerOf(context), projectOf(context), {
      kind: 'reject',
      bypass: false,
      comment: request.comment ?? '',
      releaseIntentId: request.releaseIntentId,
      environment: request.targetEnvironment,
    });
    return { state: approvalStateToWire(state) };
  };
  const state = async (request: GetApprovalStateRequest, context: HandlerContext) => {
    const { releaseIntentId, targetEnvironment } = request;
    const tally = await approvals.approvalState(app, projectOf(context), releaseIntentId, targetEnvironment);
    return { state: approvalStateToWire(tally) };
  };

  return {
    approveRelease: approve,
    rejectRelease: reject,
    getApprovalState: state,
    externalApproveRelease: approve,
    externalRejectRelease: reject,
    getExternalApprovalState: state,

    async getReleaseRequirements(request, context) {
      const caller = callerOf(context);
      const scope = projectOf(context);
      const found = await approvals.releaseRequirements(app, caller, scope, request.releaseIntentId);
      return withRevision(requirementsToWire(found, scope, caller.userId));
    },

    async listPendingApprovals(request, context) {
      const page = await approvals.listPendingApprovals(
        app,
        callerOf(context),
        pageOf(request, ['time', 'uuid', 'text']),
      );
      return { approvals: page.approvals.map(pendingToWire), nextPageToken: page.nextPageToken };
    },
  };
}

function requirementsToWire(
  { facts, environments }: approvals.Requirements,
  scope: ProjectScope,
  userId: string,
): GetReleaseRequirementsResponse {
  return create(GetReleaseRequirementsResponseSchema, {
    releaseIntentId: facts.intent.id,
    intentStatus: intentStatusToWire[facts.intent.status],
    isReleaseAuthor: facts.intent.actorId === userId,
    isAdmin: scope.role === 'admin',
    authorUserId: facts.intent.actorId,
    authorUsername: facts.intent.actorUsername,
    environments: environments.map(({ environment, stage, verdict, permissions }) => {
      const mine = verdict.evaluations
        .flatMap((evaluation) => evaluation.approval?.decisions ?? [])
        .find((vote) => vote.userId === userId);
      return {
        environment,
        stageId: stage.id,
        stageStatus: stageStatusToWire[stage.status],
        evaluations: verdict.evaluations.map(evaluationToWire),
        allPassed: verdict.passed,
        canApprove: permissions.approve,
        canReject: permissions.reject,
        canBypass: permissions.bypass,
        myDecision: mine === undefined ? undefined : decisionToWire(mine),
      };
    }),
  });
}

/** The revision is a digest of the answer, so it changes when, and only when, anything in the answer does. */
function withRevision(answer: GetReleaseRequirementsResponse): GetReleaseRequirementsResponse {
  const bytes = toBinary(GetReleaseRequirementsResponseSchema, answer);
  answer.revision = createHash('sha256').update(bytes).digest('base64url');
  return answer;
}

const pendingToWire = ({ row, required, current }: approvals.PendingApproval) => ({
  releaseIntentId: row.releaseIntentId,
  project: { organisation: row.organisation, project: row.project },
  artifactId: row.artifactId,
  slug: row.slug,
  title: row.title,
  environment: row.environment,
  requiredApprovals: required,
  currentApprovals: current,
  authorUsername: row.authorUsername,
  waitingSince: instant(row.waitingSince),
  stageStatus: stageStatusToWire[row.status],
});
