import type { Transport } from '@connectrpc/connect';
import {
  createConnectQueryKey,
  createQueryOptions,
  useMutation,
  useQuery,
  useTransport,
} from '@connectrpc/connect-query';
import { useQueryClient } from '@tanstack/react-query';
import type { ProjectRef } from '#src/config/paths.ts';
import { EnvironmentService } from '#src/gen/forest/v1/environments_pb.ts';
import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import { MAX_PAGE_SIZE } from '#src/lib/paged.ts';
import { useInvalidate } from '#src/lib/use-invalidate.ts';

const { listPolicies, createPolicy, updatePolicy, deletePolicy, listHistory } = PolicyService.method;
const { getDeploymentBoard } = ReleaseService.method;

/** A project's policies, for the loaders and the list: all of them, because a project has at most 100. */
export const policiesOptions = (transport: Transport, project: ProjectRef) =>
  createQueryOptions(listPolicies, { project, pageSize: MAX_PAGE_SIZE }, { transport });

/** Creating, changing and deleting policies. A policy also changes which releases wait, so they are refetched too. */
export function usePolicyMutations() {
  const invalidate = useInvalidate();
  const queryClient = useQueryClient();
  const transport = useTransport();
  const onSuccess = () => {
    void invalidate(ReleaseService);
    return invalidate(PolicyService);
  };
  // What is shown may be out of date. It is loaded again when it is next opened, not now: the form must keep what was typed.
  const onError = () =>
    queryClient.invalidateQueries({
      queryKey: createConnectQueryKey({ schema: listPolicies, transport, cardinality: 'finite' }),
      refetchType: 'none',
    });
  return {
    create: useMutation(createPolicy, { onSuccess }),
    update: useMutation(updatePolicy, { onSuccess, onError }),
    remove: useMutation(deletePolicy, { onSuccess, onError }),
  };
}

/** The query for the organisation's environments, in their order. */
export const useEnvironments = (organisation: string) =>
  useQuery(EnvironmentService.method.listEnvironments, { organisation, pageSize: MAX_PAGE_SIZE });

/** Loads the releases of a project that wait at an environment's gate, oldest first; at most 20. */
export function useWaitingReleases({ organisation, project }: ProjectRef, environment: string) {
  const transport = useTransport();
  const queryClient = useQueryClient();
  return async () => {
    const options = createQueryOptions(getDeploymentBoard, { organisation, project }, { transport });
    const { rows } = await queryClient.fetchQuery({ ...options, staleTime: 0 });
    return rows[0]?.cells.find((cell) => cell.environment === environment)?.waiting ?? [];
  };
}

/** The newest entry of the history about a policy, who changed it and when, and how to load it again. */
export function useLastChange({ organisation, project }: ProjectRef, subject: string) {
  const { data, refetch } = useQuery(listHistory, {
    organisation,
    project,
    kinds: ['policy.created', 'policy.updated'],
    subject,
    pageSize: 1,
  });
  return { lastChange: data?.entries[0], refetch };
}
