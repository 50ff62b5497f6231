import { useQuery } from '@connectrpc/connect-query';
import { skipToken } from '@tanstack/react-query';
import { DestinationService } from '#src/gen/forest/v1/destinations_pb.ts';
import { EnvironmentService } from '#src/gen/forest/v1/environments_pb.ts';
import { OrganisationService } from '#src/gen/forest/v1/organisations_pb.ts';
import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { ReleasePipelineService } from '#src/gen/forest/v1/release_pipelines_pb.ts';
import { ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import type { SetupFacts } from './setup-steps.ts';

/** Refetches on each visit, because steps are done on other pages. */
const refetch = { refetchOnMount: 'always' as const };

/**
 * The organisation's setup progress; `facts` is undefined until all queries have answered. One entry of each list is enough.
 */
export function useSetupFacts(
  organisation: string,
  organisationId: string,
): { readonly facts: SetupFacts | undefined; readonly error: unknown; readonly retry: () => void } {
  const environments = useQuery(
    EnvironmentService.method.listEnvironments,
    { organisation, pageSize: 1 },
    refetch,
  );
  const destinations = useQuery(
    DestinationService.method.getDestinations,
    { organisation, pageSize: 1 },
    refetch,
  );
  const members = useQuery(OrganisationService.method.listMembers, { organisationId, pageSize: 1 }, refetch);
  const projects = useQuery(
    ReleaseService.method.getProjects,
    { query: { case: 'organisation', value: { organisation } }, pageSize: 1 },
    refetch,
  );
  const name = projects.data?.projects[0];
  const project = name === undefined ? undefined : { organisation, project: name };
  const pipelines = useQuery(
    ReleasePipelineService.method.listReleasePipelines,
    project ? { project, pageSize: 1 } : skipToken,
    refetch,
  );
  const policies = useQuery(
    PolicyService.method.listPolicies,
    project ? { project, pageSize: 1 } : skipToken,
    refetch,
  );
  const artifacts = useQuery(
    ReleaseService.method.getArtifactsByProject,
    project ? { project, pageSize: 1 } : skipToken,
    refetch,
  );
  const always = [environments, destinations, members, projects];
  const ofProject = project ? [pipelines, policies, artifacts] : [];
  const queries = [...always, ...ofProject];
  const known = queries.every(({ data }) => data !== undefined);
  const facts: SetupFacts | undefined = known
    ? {
        environments: environments.data?.environments.length ?? 0,
        destinations: destinations.data?.destinations.length ?? 0,
        members: members.data?.totalCount ?? 0,
        project: name,
        pipelines: pipelines.data?.pipelines.length ?? 0,
        policies: policies.data?.policies.length ?? 0,
        artifacts: artifacts.data?.artifact.length ?? 0,
      }
    : undefined;
  const failed = queries.filter(({ error }) => error !== null);
  return {
    facts,
    error: failed[0]?.error ?? null,
    retry: () => {
      for (const query of failed) void query.refetch();
    },
  };
}
