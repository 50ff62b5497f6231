import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import { approvalStateToWire } from '#server/features/policies/convert.ts';
import { stageStatusToWire } from '#server/features/releases/status.ts';
import type {
  ApproveReleaseRequest,
  GetApprovalStateRequest,
  PolicyService,
  RejectReleaseRequest,
} from '#server/gen/forest/v1/policies_pb.ts';
import { callerOf, projectOf } from '#server/rpc/access.ts';
import { pageOf } from '#server/rpc/page.ts';
import { askedKey } from '#server/rpc/polls.ts';
import { instant } from '#server/rpc/time.ts';
import { releaseRequirements } from './requirements-service.ts';
import { requirementsToWire } from './requirements-wire.ts';
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
      const found = await releaseRequirements(app, caller, scope, request.releaseIntentId);
      const asked = context.values.get(askedKey);
      if (asked !== null) {
        const { organisation, project, role } = scope;
        const { fingerprint, toldAt: from, wordsLastUntil: until } = found;
        const { releaseIntentId } = request;
        const { userId } = caller;
        asked.told = { organisation, project, releaseIntentId, userId, role, fingerprint, from, until };
      }
      return requirementsToWire(found, { userId: caller.userId, role: scope.role });
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

const pendingToWire = ({ row, required, current }: approvals.PendingApproval) => ({
  releaseIntentId: row.releaseIntentId,
  project: { organisation: row.organisation, project: row.project },
  artifactId: row.artifactId,
  slug: row.slug,
  title: row.title,
  environment: row.environment,
  requiredApprovals: required,
  currentApprovals: current,
  authorUsername: row.actorUsername,
  waitingSince: instant(row.waitingSince),
  stageStatus: stageStatusToWire[row.status],
});
