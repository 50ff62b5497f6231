import { useQuery } from '@connectrpc/connect-query';
import { skipToken } from '@tanstack/react-query';
import { DestinationService } from '#src/gen/forest/v1/destinations_pb.ts';
import { EnvironmentService } from '#src/gen/forest/v1/environments_pb.ts';
import { OrganisationService } from '#src/gen/forest/v1/organisations_pb.ts';
import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { ReleasePipelineService } from '#src/gen/forest/v1/release_pipelines_pb.ts';
import { ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import type { SetupFacts } from './setup-steps.ts';

/** Asked anew whenever the page opens: what was missing has perhaps just been made. */
const anew = { refetchOnMount: 'always' as const };

/**
 * What stands in the organisation, from the server; undefined until all of it is known. `failed` says that something could
 * not be asked. Of each list one entry is enough.
 */
export function useSetupFacts(
  organisation: string,
  organisationId: string,
): { readonly facts: SetupFacts | undefined; readonly error: unknown; readonly retry: () => void } {
  const environments = useQuery(
    EnvironmentService.method.listEnvironments,
    { organisation, pageSize: 1 },
    anew,
  );
  const destinations = useQuery(
    DestinationService.method.getDestinations,
    { organisation, pageSize: 1 },
    anew,
  );
  const members = useQuery(OrganisationService.method.listMembers, { organisationId, pageSize: 1 }, anew);
  const projects = useQuery(
    ReleaseService.method.getProjects,
    { query: { case: 'organisation', value: { organisation } }, pageSize: 1 },
    anew,
  );
  const name = projects.data?.projects[0];
  const project = name === undefined ? undefined : { organisation, project: name };
  const pipelines = useQuery(
    ReleasePipelineService.method.listReleasePipelines,
    project ? { project, pageSize: 1 } : skipToken,
    anew,
  );
  const policies = useQuery(
    PolicyService.method.listPolicies,
    project ? { project, pageSize: 1 } : skipToken,
    anew,
  );
  const artifacts = useQuery(
    ReleaseService.method.getArtifactsByProject,
    project ? { project, pageSize: 1 } : skipToken,
    anew,
  );
  const always = [environments, destinations, members, projects];
  const ofProject = project ? [pipelines, policies, artifacts] : [];
  const asked = [...always, ...ofProject];
  const known = asked.every(({ data }) => data !== undefined);
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
  const failed = asked.filter(({ error }) => error !== null);
  return {
    facts,
    error: failed[0]?.error ?? null,
    retry: () => {
      for (const query of failed) void query.refetch();
    },
  };
}
