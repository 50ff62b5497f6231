import type { Transport } from '@connectrpc/connect';
import {
  createConnectQueryKey,
  createQueryOptions,
  useMutation,
  useQuery,
  useTransport,
} from '@connectrpc/connect-query';
import { useQueryClient, useQuery as useTanstackQuery } from '@tanstack/react-query';
import type { ProjectRef } from '#src/config/paths.ts';
import { EnvironmentService } from '#src/gen/forest/v1/environments_pb.ts';
import { OrganisationService } from '#src/gen/forest/v1/organisations_pb.ts';
import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { type GetDeploymentBoardResponse, ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import { MAX_PAGE_SIZE } from '#src/lib/paged.ts';
import { polling } from '#src/lib/polling.ts';
import { useSession } from '#src/lib/session.ts';
import { useInvalidate } from '#src/lib/use-invalidate.ts';

const { listPolicies, createPolicy, updatePolicy, deletePolicy, listHistory } = PolicyService.method;
const { getDeploymentBoard } = ReleaseService.method;

/** In milliseconds, as of the board without a deployment. */
const WAITING_INTERVAL = 10_000;

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

/** The answer lists no more releases that wait for an environment. */
export const MAX_WAITING = 20;

const projectBoard = (transport: Transport, { organisation, project }: ProjectRef) =>
  createQueryOptions(getDeploymentBoard, { organisation, project }, { transport });

const waitingFor = ({ rows }: GetDeploymentBoardResponse, environment: string) =>
  rows[0]?.cells.find((cell) => cell.environment === environment)?.waiting ?? [];

/** Loads the releases of a project that wait at an environment's gate, oldest first. */
export function useLoadWaiting(project: ProjectRef, environment: string) {
  const transport = useTransport();
  const queryClient = useQueryClient();
  return async () =>
    waitingFor(
      await queryClient.fetchQuery({ ...projectBoard(transport, project), staleTime: 0 }),
      environment,
    );
}

/** The same, polled while an environment is chosen. */
export const useWaiting = (project: ProjectRef, environment: string) =>
  useTanstackQuery({
    ...projectBoard(useTransport(), project),
    ...polling<GetDeploymentBoardResponse>(() => false, WAITING_INTERVAL),
    enabled: environment !== '',
    select: (board) => waitingFor(board, environment),
  });

/** How many members the organisation has; undefined until that is known. */
export function useMemberCount(organisation: string): number | undefined {
  const membership = useSession()?.memberships.find((each) => each.organisation === organisation);
  return useQuery(
    OrganisationService.method.listMembers,
    { organisationId: membership?.organisationId ?? '', pageSize: 1 },
    { enabled: membership !== undefined },
  ).data?.totalCount;
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
