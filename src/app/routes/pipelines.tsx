import { createInfiniteQueryOptions, createQueryOptions, useQuery } from '@connectrpc/connect-query';
import type { LoaderFunctionArgs } from 'react-router';
import { Page } from '#src/components/page.tsx';
import { Failed, Loading } from '#src/components/states.tsx';
import { paths } from '#src/config/paths.ts';
import { CreatePipeline } from '#src/features/pipelines/create-pipeline.tsx';
import { PipelineList } from '#src/features/pipelines/pipeline-list.tsx';
import { pipelinesInput } from '#src/features/pipelines/queries.ts';
import { EnvironmentService } from '#src/gen/forest/v1/environments_pb.ts';
import { ReleasePipelineService } from '#src/gen/forest/v1/release_pipelines_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { allOfThem } from '#src/lib/page-sizes.ts';
import { paged } from '#src/lib/paged.ts';
import { useIsAdmin } from '#src/lib/session.ts';
import { projectIn, useProjectParams } from '../route-params.ts';
import { servicesOf } from '../services.ts';

export async function loader({ params, context }: LoaderFunctionArgs) {
  const { queryClient, transport } = servicesOf(context);
  const { organisation, project } = projectIn(params);
  void queryClient.prefetchQuery(
    createQueryOptions(
      EnvironmentService.method.listEnvironments,
      { organisation, pageSize: allOfThem },
      { transport },
    ),
  );
  await queryClient.ensureInfiniteQueryData(
    createInfiniteQueryOptions(
      ReleasePipelineService.method.listReleasePipelines,
      pipelinesInput(organisation, project),
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
      title="Pipelines"
      documentTitle={`Pipelines · ${project}`}
      crumbs={[
        { label: organisation, to: paths.organisation(organisation) },
        { label: project, to: paths.project(organisation, project) },
        { label: 'Pipelines' },
      ]}
    >
      <PipelineList organisation={organisation} project={project} canEdit={isAdmin} />
      {isAdmin ? (
        <NewPipeline organisation={organisation} project={project} />
      ) : (
        <p className="text-muted">Admins of {organisation} create and change pipelines.</p>
      )}
    </Page>
  );
}

function NewPipeline({ organisation, project }: { readonly organisation: string; readonly project: string }) {
  const environments = useQuery(EnvironmentService.method.listEnvironments, {
    organisation,
    pageSize: allOfThem,
  });
  if (environments.data) {
    const names = environments.data.environments.map(({ name }) => name);
    return <CreatePipeline organisation={organisation} project={project} environments={names} />;
  }
  if (!environments.error) return <Loading label="Loading environments…" />;
  return (
    <Failed
      title="The environments could not be loaded, so no pipeline can be made now."
      message={describeError(environments.error).message}
      onRetry={environments.refetch}
      retrying={environments.isFetching}
    />
  );
}
