import type { ConnectError } from '@connectrpc/connect';
import { callUnaryMethod, createConnectQueryKey, useTransport } from '@connectrpc/connect-query';
import { type InfiniteData, useMutation, useQueryClient } from '@tanstack/react-query';
import {
  type ApproveReleaseResponse,
  type ListPendingApprovalsResponse,
  PendingKind,
  PolicyService,
  type RejectReleaseResponse,
  type WithdrawVoteResponse,
} from '#src/gen/forest/v1/policies_pb.ts';
import { ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import { useInvalidate } from '#src/lib/use-invalidate.ts';
import { type ReleaseRef, requirementsInput } from './queries.ts';

const { approveRelease, rejectRelease, withdrawVote, getReleaseRequirements, listPendingApprovals } =
  PolicyService.method;

export type Decision = 'approved' | 'rejected' | 'withdrawn';

export interface Vote extends ReleaseRef {
  readonly environment: string;
  readonly decision: Decision;
  /** The reason, for a bypass. Empty for none; a withdrawal has none. */
  readonly comment: string;
  /** An approval that opens the gate whatever votes are missing. Only for admins. */
  readonly bypass?: boolean;
}

/**
 * Approves, rejects, bypasses, or withdraws a vote. The server's answer holds the requirements after the vote and replaces the cached ones; a
 * refused vote reads them again, because something else has changed. `mutateAsync` may be called for several votes at once.
 */
export function useVote() {
  const client = useQueryClient();
  const transport = useTransport();
  const invalidate = useInvalidate();
  const requirementsKey = (vote: Vote) =>
    createConnectQueryKey({
      schema: getReleaseRequirements,
      input: requirementsInput(vote),
      transport,
      cardinality: 'finite',
    });
  const pendingKey = createConnectQueryKey({ schema: listPendingApprovals, cardinality: 'infinite' });

  return useMutation<VoteResponse, ConnectError, Vote>({
    mutationFn: (vote) => {
      const { environment: targetEnvironment, comment, bypass: forceBypass } = vote;
      const voted = { ...requirementsInput(vote), targetEnvironment };
      if (vote.decision === 'withdrawn') return callUnaryMethod(transport, withdrawVote, voted);
      const request = { ...voted, comment: comment || undefined };
      return vote.decision === 'approved'
        ? callUnaryMethod(transport, approveRelease, { ...request, forceBypass })
        : callUnaryMethod(transport, rejectRelease, request);
    },
    onSuccess: async ({ requirements }, vote) => {
      // The answer of a poll that was sent before the vote must not replace the answer of the vote.
      await client.cancelQueries({ queryKey: requirementsKey(vote) });
      await client.cancelQueries({ queryKey: pendingKey });
      client.setQueryData(requirementsKey(vote), requirements);
      client.setQueriesData<InfiniteData<ListPendingApprovalsResponse>>(
        { queryKey: pendingKey },
        (list) => list && without(list, vote),
      );
    },
    onError: (_error, vote) => void client.invalidateQueries({ queryKey: requirementsKey(vote) }),
    // Not awaited: the vote does not depend on the lists of other pages.
    onSettled: () => void invalidate(listPendingApprovals, ReleaseService.method.getArtifactsByProject),
  });
}

type VoteResponse = ApproveReleaseResponse | RejectReleaseResponse | WithdrawVoteResponse;

/** The waiting list without the release and environment that was voted on. */
function without(
  list: InfiniteData<ListPendingApprovalsResponse>,
  { releaseIntentId, environment }: Vote,
): InfiniteData<ListPendingApprovalsResponse> {
  const pages = list.pages.map((page) => ({
    ...page,
    approvals: page.approvals.filter(
      (one) =>
        one.kind === PendingKind.PLAN ||
        one.releaseIntentId !== releaseIntentId ||
        one.environment !== environment,
    ),
  }));
  return { ...list, pages };
}
