import { createInfiniteQueryOptions, createQueryOptions, useQuery } from '@connectrpc/connect-query';
import type { LoaderFunctionArgs } from 'react-router';
import { Page } from '#src/components/page.tsx';
import { Failed, Loading } from '#src/components/states.tsx';
import { paths } from '#src/config/paths.ts';
import { CreatePolicy } from '#src/features/policies/create-policy.tsx';
import { PolicyList } from '#src/features/policies/policy-list.tsx';
import { EnvironmentService } from '#src/gen/forest/v1/environments_pb.ts';
import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { allOfThem } from '#src/lib/page-sizes.ts';
import { paged } from '#src/lib/paged.ts';
import { useIsAdmin } from '#src/lib/session.ts';
import { projectIn, useProjectParams } from '../route-params.ts';
import { servicesOf } from '../services.ts';

export async function loader({ params, context }: LoaderFunctionArgs) {
  const { queryClient, transport } = servicesOf(context);
  const project = projectIn(params);
  void queryClient.prefetchQuery(
    createQueryOptions(
      EnvironmentService.method.listEnvironments,
      { organisation: project.organisation, pageSize: allOfThem },
      { transport },
    ),
  );
  await queryClient.ensureInfiniteQueryData(
    createInfiniteQueryOptions(
      PolicyService.method.listPolicies,
      { project, pageToken: '' },
      { transport, ...paged },
    ),
  );
  return null;
}

export function Component() {
  const { organisation, project } = useProjectParams();
  const isAdmin = useIsAdmin(organisation);
  return (
    <Page
      title="Deployment Policies"
      documentTitle={`Policies · ${project}`}
      crumbs={[
        { label: organisation, to: paths.organisation(organisation) },
        { label: project, to: paths.project(organisation, project) },
        { label: 'Policies' },
      ]}
    >
      <PolicyList organisation={organisation} project={project} canEdit={isAdmin} />
      {isAdmin ? (
        <NewPolicy organisation={organisation} project={project} />
      ) : (
        <p className="text-muted">Admins of {organisation} create and change policies.</p>
      )}
    </Page>
  );
}

function NewPolicy({ organisation, project }: { readonly organisation: string; readonly project: string }) {
  const environments = useQuery(EnvironmentService.method.listEnvironments, {
    organisation,
    pageSize: allOfThem,
  });
  if (environments.data) {
    const names = environments.data.environments.map(({ name }) => name);
    return <CreatePolicy organisation={organisation} project={project} environments={names} />;
  }
  if (!environments.error) return <Loading label="Loading environments…" />;
  return (
    <Failed
      title="The environments could not be loaded, so no policy can be made now."
      message={describeError(environments.error).message}
      onRetry={environments.refetch}
      retrying={environments.isFetching}
    />
  );
}
