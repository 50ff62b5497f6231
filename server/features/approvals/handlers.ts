import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import { LRUCache } from 'lru-cache';
import type { AppContext } from '#server/context.ts';
import { approvalStateToWire } from '#server/features/policies/convert.ts';
import type {
  ApproveReleaseRequest,
  GetApprovalStateRequest,
  PolicyService,
  RejectReleaseRequest,
} from '#server/gen/forest/v1/policies_pb.ts';
import { cacheHeaders, polledNumbers } from '#server/rpc/unchanged.ts';
import { pageOf } from '#server/wire/pages.ts';
import { callerOf, projectOf } from '#server/wire/scopes.ts';
import { pendingToWire, requirementsToWire } from './convert.ts';
import * as approvals from './service.ts';

type Methods =
  | 'approveRelease'
  | 'rejectRelease'
  | 'withdrawVote'
  | 'getApprovalState'
  | 'externalApproveRelease'
  | 'externalRejectRelease'
  | 'getExternalApprovalState'
  | 'getReleaseRequirements'
  | 'listPendingApprovals';

/** The most releases of which the last read row is kept, a few kB each. */
const MAX_KEPT = 100;

/** The votes' part of PolicyService. */
export function approvalHandlers(app: AppContext): Pick<ServiceImpl<typeof PolicyService>, Methods> {
  // All who watch a release poll soon after a change: the first reads it for all of them.
  const rows = new LRUCache<string, approvals.Requirements['intent']>({ max: MAX_KEPT });
  const answer = async (voted: ReturnType<typeof approvals.castVote>) => {
    const { tally, requirements } = await voted;
    return { state: approvalStateToWire(tally), requirements: requirementsToWire(requirements) };
  };
  const castVote = (context: HandlerContext, request: approvals.VoteRequest) =>
    answer(approvals.castVote(app, callerOf(context), projectOf(context), request));
  const approveRelease = (request: ApproveReleaseRequest, context: HandlerContext) =>
    castVote(context, {
      kind: 'approve',
      bypass: request.forceBypass,
      comment: request.comment ?? '',
      releaseIntentId: request.releaseIntentId,
      environment: request.targetEnvironment,
    });
  const rejectRelease = (request: RejectReleaseRequest, context: HandlerContext) =>
    castVote(context, {
      kind: 'reject',
      bypass: false,
      comment: request.comment ?? '',
      releaseIntentId: request.releaseIntentId,
      environment: request.targetEnvironment,
    });
  const getApprovalState = async (request: GetApprovalStateRequest, context: HandlerContext) => {
    const { releaseIntentId, targetEnvironment } = request;
    const [caller, scope] = [callerOf(context), projectOf(context)];
    const tally = await approvals.getApprovalState(app, caller, scope, releaseIntentId, targetEnvironment);
    return { state: approvalStateToWire(tally) };
  };

  return {
    approveRelease,
    rejectRelease,
    getApprovalState,
    async withdrawVote({ releaseIntentId, targetEnvironment: environment }, context) {
      const request = { releaseIntentId, environment };
      return answer(approvals.withdrawVote(app, callerOf(context), projectOf(context), request));
    },
    externalApproveRelease: approveRelease,
    externalRejectRelease: rejectRelease,
    getExternalApprovalState: getApprovalState,

    async getReleaseRequirements({ releaseIntentId }, context) {
      const kept = rows.get(releaseIntentId);
      const found = await approvals.getRequirements(
        app,
        callerOf(context),
        projectOf(context),
        releaseIntentId,
        kept?.numbers === polledNumbers(releaseIntentId) ? kept : undefined,
      );
      rows.set(releaseIntentId, found.intent);
      if (context.requestMethod === 'GET') {
        const { numbers, changesAt, viewer } = found;
        const headers = cacheHeaders({ releaseIntentId, ...viewer, numbers, changesAt });
        for (const [name, value] of Object.entries(headers)) context.responseHeader.set(name, value);
      }
      return requirementsToWire(found);
    },

    async listPendingApprovals(request, context) {
      const page = pageOf(request, ['time', 'uuid', 'text']);
      const { approvals: found, ...rest } = await approvals.listPendingApprovals(
        app,
        callerOf(context),
        page,
      );
      return {
        ...rest,
        approvals: found.map(pendingToWire),
        organisations: rest.organisations.map((one) => ({ ...one })),
      };
    },
  };
}
