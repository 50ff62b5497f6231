import { createConnectQueryKey, useMutation } from '@connectrpc/connect-query';
import { type QueryClient, useQueryClient } from '@tanstack/react-query';
import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';

/** Asks for a release of an artifact, through a pipeline or straight to an environment. */
export function useRelease() {
  const client = useQueryClient();
  return useMutation(ReleaseService.method.release, { onSettled: () => refresh(client) });
}

/** Ends a release that waits. */
export function useCancelRelease() {
  const client = useQueryClient();
  return useMutation(ReleaseService.method.cancelRelease, { onSettled: () => refresh(client) });
}

/** Lets the deployments behind a plan go on. */
export function useApprovePlan() {
  const client = useQueryClient();
  return useMutation(ReleaseService.method.approvePlanStage, { onSettled: () => refresh(client) });
}

/** Fails a plan stage, and with it what depends on it. */
export function useRejectPlan() {
  const client = useQueryClient();
  return useMutation(ReleaseService.method.rejectPlanStage, { onSettled: () => refresh(client) });
}

/** Waits until the page's releases are read again, so that a button stays pending until its effect shows. */
async function refresh(client: QueryClient): Promise<void> {
  const { getReleaseIntentStates, getDestinationStates, getArtifactsByProject, getArtifactBySlug } =
    ReleaseService.method;
  const { getReleaseRequirements, getReleaseOptions, listPendingApprovals } = PolicyService.method;
  const others = [
    createConnectQueryKey({ schema: getDestinationStates, cardinality: undefined }),
    createConnectQueryKey({ schema: getArtifactsByProject, cardinality: undefined }),
    createConnectQueryKey({ schema: getArtifactBySlug, cardinality: undefined }),
    createConnectQueryKey({ schema: getReleaseOptions, cardinality: undefined }),
    createConnectQueryKey({ schema: listPendingApprovals, cardinality: undefined }),
  ];
  const shown = [
    createConnectQueryKey({ schema: getReleaseIntentStates, cardinality: undefined }),
    createConnectQueryKey({ schema: getReleaseRequirements, cardinality: undefined }),
  ];
  for (const queryKey of others) void client.invalidateQueries({ queryKey });
  await Promise.all(shown.map((queryKey) => client.invalidateQueries({ queryKey })));
}
