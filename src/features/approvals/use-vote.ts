import type { ConnectError, Transport } from '@connectrpc/connect';
import { callUnaryMethod, createConnectQueryKey, useTransport } from '@connectrpc/connect-query';
import { type QueryClient, useIsMutating, useMutation, useQueryClient } from '@tanstack/react-query';
import {
  type ApprovalState,
  type GetReleaseRequirementsResponse,
  PolicyService,
} from '#src/gen/forest/v1/policies_pb.ts';
import { ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import { type Vote, type Voter, withAnswer, withEnvironmentOf, withVote } from './optimistic-vote.ts';
import { type ReleaseRef, requirementsInput } from './queries.ts';

export interface Bypass {
  readonly environment: string;
  readonly reason: string;
}

/**
 * Whether a vote on this release is on its way. Whoever polls the requirements pauses meanwhile: an answer that left the
 * server before the vote arrived would show the old count again for a moment.
 */
export function useIsVoting(releaseIntentId: string): boolean {
  return useIsMutating({ mutationKey: voteKey(releaseIntentId) }) > 0;
}

/**
 * Approves or rejects. The vote shows at once, or, for one that was held back, `when-answered`; it is corrected by the
 * server's answer, and taken back when the server refuses: the error then stands in the mutation.
 */
export function useVote(release: ReleaseRef, voter: Voter, shown: 'at-once' | 'when-answered' = 'at-once') {
  const cache = useRequirementsCache(release);
  const transport = useTransport();
  return useMutation<
    ApprovalState | undefined,
    ConnectError,
    Vote,
    { readonly before: GetReleaseRequirementsResponse | undefined }
  >({
    mutationKey: voteKey(release.releaseIntentId),
    mutationFn: async (vote) => {
      const request = {
        ...requirementsInput(release),
        targetEnvironment: vote.environment,
        comment: vote.comment || undefined,
      };
      const answer =
        vote.decision === 'approved'
          ? await callUnaryMethod(transport, PolicyService.method.approveRelease, request)
          : await callUnaryMethod(transport, PolicyService.method.rejectRelease, request);
      return answer.state;
    },
    onMutate: async (vote) => {
      if (shown === 'when-answered') return { before: undefined };
      await cache.cancel();
      const before = cache.read();
      cache.change((state) => withVote(state, vote, voter, new Date()));
      return { before };
    },
    onError: (_error, vote, context) => {
      // Only this environment goes back: a vote on another one may have come in meanwhile.
      const before = context?.before;
      if (before) cache.change((state) => withEnvironmentOf(state, vote.environment, before));
    },
    onSuccess: async (answer, vote) => {
      await cache.cancel();
      if (answer) cache.change((state) => withAnswer(state, vote.environment, answer, voter));
    },
    onSettled: cache.refresh,
  });
}

/** An admin's bypass with its reason. Not optimistic: its dialog waits for the server and shows a refusal itself. */
export function useBypass(release: ReleaseRef, voter: Voter) {
  const cache = useRequirementsCache(release);
  const transport = useTransport();
  return useMutation<ApprovalState | undefined, ConnectError, Bypass>({
    mutationKey: voteKey(release.releaseIntentId),
    mutationFn: async (bypass) => {
      const answer = await callUnaryMethod(transport, PolicyService.method.approveRelease, {
        ...requirementsInput(release),
        targetEnvironment: bypass.environment,
        comment: bypass.reason,
        forceBypass: true,
      });
      return answer.state;
    },
    onSuccess: async (state, bypass) => {
      await cache.cancel();
      if (state) cache.change((shown) => withAnswer(shown, bypass.environment, state, voter));
    },
    onSettled: cache.refresh,
  });
}

function voteKey(releaseIntentId: string) {
  return ['vote', releaseIntentId] as const;
}

/** Where the requirements of a release are cached. */
export function requirementsKey(release: ReleaseRef, transport: Transport) {
  return createConnectQueryKey({
    schema: PolicyService.method.getReleaseRequirements,
    input: requirementsInput(release),
    transport,
    cardinality: 'finite',
  });
}

/** Lists on other pages that say how many votes are missing. */
function listsOfVotes() {
  const { listPendingApprovals } = PolicyService.method;
  const { getArtifactsByProject } = ReleaseService.method;
  return [
    createConnectQueryKey({ schema: listPendingApprovals, cardinality: undefined }),
    createConnectQueryKey({ schema: getArtifactsByProject, cardinality: undefined }),
  ];
}

/** The cached requirements of one release, as votes read and change them. */
function useRequirementsCache(release: ReleaseRef) {
  const client: QueryClient = useQueryClient();
  const transport = useTransport();
  const key = requirementsKey(release, transport);
  return {
    cancel: () => client.cancelQueries({ queryKey: key }),
    read: () => client.getQueryData(key),
    change: (change: (shown: GetReleaseRequirementsResponse) => GetReleaseRequirementsResponse) => {
      client.setQueryData(key, (shown: GetReleaseRequirementsResponse | undefined) =>
        shown ? change(shown) : shown,
      );
    },
    /** Asks again for all that a vote can move, the page's one poll first. Not waited for: the vote itself is over. */
    refresh: () => {
      void client.invalidateQueries({ queryKey: key });
      for (const queryKey of listsOfVotes()) void client.invalidateQueries({ queryKey });
    },
  };
}
