import type { LoaderFunctionArgs } from 'react-router';
import { CreatePipeline } from '#src/features/pipelines/pipeline-editor.tsx';
import { PipelineList } from '#src/features/pipelines/pipeline-list.tsx';
import { pipelinesOptions } from '#src/features/pipelines/use-pipelines.ts';
import { projectIn } from '../route-params.ts';
import { servicesOf } from '../services.ts';
import { environmentsOptions, SettingsListPage } from './project-settings.tsx';

export async function loader({ params, context }: LoaderFunctionArgs) {
  const services = servicesOf(context);
  const project = projectIn(params);
  void services.queryClient.prefetchQuery(environmentsOptions(services, project.organisation));
  await services.queryClient.ensureInfiniteQueryData(pipelinesOptions(services.transport, project));
  return null;
}

export function Component() {
  return (
    <SettingsListPage
      section="Pipelines"
      title="Pipelines"
      list={(project, isAdmin) => <PipelineList project={project} canEdit={isAdmin} />}
      create={(project, environments) => <CreatePipeline project={project} environments={environments} />}
    />
  );
}
