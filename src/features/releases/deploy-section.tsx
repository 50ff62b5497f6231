import { useQuery } from '@connectrpc/connect-query';
import { Section } from '#src/components/section.tsx';
import { Empty, Failed, Loading } from '#src/components/states.tsx';
import { EnvironmentService } from '#src/gen/forest/v1/environments_pb.ts';
import { ReleasePipelineService } from '#src/gen/forest/v1/release_pipelines_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { DeployForm } from './deploy-form.tsx';

export interface DeploySectionProps {
  readonly organisation: string;
  readonly project: string;
  readonly artifactId: string;
  readonly branch: string | undefined;
}

/** Deploy this release: through an enabled pipeline of the project, or straight to one environment. */
export function DeploySection({ organisation, project, artifactId, branch }: DeploySectionProps) {
  const pipelines = useQuery(ReleasePipelineService.method.listReleasePipelines, {
    project: { organisation, project },
    pageSize: 100,
  });
  const environments = useQuery(EnvironmentService.method.listEnvironments, { organisation, pageSize: 100 });
  const failed = [pipelines, environments].find((query) => query.isError && !query.data);
  return (
    <Section title="Deploy this release">
      {failed ? (
        <Failed
          title="The pipelines and environments could not be loaded."
          message={describeError(failed.error).message}
          onRetry={() => failed.refetch()}
          retrying={failed.isFetching}
        />
      ) : !pipelines.data || !environments.data ? (
        <Loading />
      ) : environments.data.environments.length === 0 ? (
        <Empty title="The organisation has no environments.">An admin has to add one first.</Empty>
      ) : (
        <DeployForm
          project={{ organisation, project }}
          artifactId={artifactId}
          branch={branch}
          pipelines={pipelines.data.pipelines.filter((pipeline) => pipeline.enabled)}
          environments={environments.data.environments.map((environment) => environment.name)}
        />
      )}
    </Section>
  );
}
