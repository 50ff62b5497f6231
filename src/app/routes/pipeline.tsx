import { createQueryOptions } from '@connectrpc/connect-query';
import { type LoaderFunctionArgs, useLoaderData } from 'react-router';
import { EditPipeline, PipelineView } from '#src/features/pipelines/pipeline-editor.tsx';
import { ReleasePipelineService } from '#src/gen/forest/v1/release_pipelines_pb.ts';
import { MAX_PAGE_SIZE } from '#src/lib/paged.ts';
import { notFound, projectIn } from '../route-params.ts';
import { servicesOf } from '../services.ts';
import { environmentsOptions, SettingsItemPage } from './project-settings.tsx';

/** Always refetches, so that the form does not start from outdated values. */
export async function loader({ params, context }: LoaderFunctionArgs) {
  const services = servicesOf(context);
  const { queryClient, transport } = services;
  const project = projectIn(params);
  const { listReleasePipelines } = ReleasePipelineService.method;
  const [{ pipelines }, { environments }] = await Promise.all([
    queryClient.fetchQuery({
      ...createQueryOptions(listReleasePipelines, { project, pageSize: MAX_PAGE_SIZE }, { transport }),
      staleTime: 0,
    }),
    queryClient.fetchQuery({ ...environmentsOptions(services, project.organisation), staleTime: 0 }),
  ]);
  const pipeline = pipelines.find(({ name }) => name === params.name);
  if (!pipeline) throw notFound();
  return { pipeline, environments };
}

export function Component() {
  const { pipeline, environments } = useLoaderData<typeof loader>();
  return (
    <SettingsItemPage
      section="Pipelines"
      name={pipeline.name}
      edit={(project, onDone) => (
        <EditPipeline
          key={pipeline.id}
          project={project}
          pipeline={pipeline}
          environments={environments}
          onDone={onDone}
        />
      )}
      view={<PipelineView pipeline={pipeline} />}
    />
  );
}
