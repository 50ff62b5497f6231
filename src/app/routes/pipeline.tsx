import { createQueryOptions } from '@connectrpc/connect-query';
import { type LoaderFunctionArgs, useLoaderData, useNavigate } from 'react-router';
import { Page } from '#src/components/page.tsx';
import { paths } from '#src/config/paths.ts';
import { EditPipeline } from '#src/features/pipelines/edit-pipeline.tsx';
import { PipelineView } from '#src/features/pipelines/pipeline-view.tsx';
import { EnvironmentService } from '#src/gen/forest/v1/environments_pb.ts';
import { ReleasePipelineService } from '#src/gen/forest/v1/release_pipelines_pb.ts';
import { allOfThem } from '#src/lib/page-sizes.ts';
import { useIsAdmin } from '#src/lib/session.ts';
import { notFound, projectIn, useProjectParams } from '../route-params.ts';
import { servicesOf } from '../services.ts';

/** Always asks anew: a form must not start from what somebody else has changed meanwhile. */
export async function loader({ params, context }: LoaderFunctionArgs) {
  const { queryClient, transport } = servicesOf(context);
  const project = projectIn(params);
  const [{ pipelines }, { environments }] = await Promise.all([
    queryClient.fetchQuery({
      ...createQueryOptions(
        ReleasePipelineService.method.listReleasePipelines,
        { project, pageSize: allOfThem },
        { transport },
      ),
      staleTime: 0,
    }),
    queryClient.fetchQuery({
      ...createQueryOptions(
        EnvironmentService.method.listEnvironments,
        { organisation: project.organisation, pageSize: allOfThem },
        { transport },
      ),
      staleTime: 0,
    }),
  ]);
  const pipeline = pipelines.find(({ name }) => name === params.name);
  if (!pipeline) throw notFound();
  return { pipeline, environments: environments.map(({ name }) => name) };
}

export function Component() {
  const { organisation, project } = useProjectParams();
  const { pipeline, environments } = useLoaderData<typeof loader>();
  const isAdmin = useIsAdmin(organisation);
  const navigate = useNavigate();
  const list = paths.pipelines(organisation, project);
  return (
    <Page
      title={pipeline.name}
      documentTitle={`${pipeline.name} · Pipelines · ${project}`}
      crumbs={[
        { label: organisation, to: paths.organisation(organisation) },
        { label: project, to: paths.project(organisation, project) },
        { label: 'Pipelines', to: list },
        { label: pipeline.name },
      ]}
    >
      {isAdmin ? (
        <EditPipeline
          key={pipeline.id}
          organisation={organisation}
          project={project}
          pipeline={pipeline}
          environments={environments}
          onDone={() => void navigate(list)}
        />
      ) : (
        <>
          <PipelineView pipeline={pipeline} />
          <p className="text-muted">Admins of {organisation} can change it.</p>
        </>
      )}
    </Page>
  );
}
