import { createInfiniteQueryOptions } from '@connectrpc/connect-query';
import type { LoaderFunctionArgs } from 'react-router';
import { Page } from '#src/components/page.tsx';
import { paths } from '#src/config/paths.ts';
import { PipelineList } from '#src/features/pipelines/pipeline-list.tsx';
import { pipelinesInput } from '#src/features/pipelines/queries.ts';
import { ReleasePipelineService } from '#src/gen/forest/v1/release_pipelines_pb.ts';
import { paged } from '#src/lib/paged.ts';
import { projectIn, useProjectParams } from '../route-params.ts';
import { servicesOf } from '../services.ts';

export async function loader({ params, context }: LoaderFunctionArgs) {
  const { queryClient, transport } = servicesOf(context);
  const { organisation, project } = projectIn(params);
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
      <PipelineList organisation={organisation} project={project} />
    </Page>
  );
}
