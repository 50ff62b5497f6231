import { useQuery } from '@connectrpc/connect-query';
import { memo } from 'react';
import { Section } from '#src/components/section.tsx';
import { Empty, Failed, Loading } from '#src/components/states.tsx';
import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { DeployForm } from './deploy-form.tsx';
import { releaseOptionsInput } from './queries.ts';

export interface DeploySectionProps {
  readonly organisation: string;
  readonly project: string;
  readonly artifactId: string;
}

/** Deploy this release: through an enabled pipeline of the project, or directly to one environment. Not polled. */
export const DeploySection = memo(function DeploySection({
  organisation,
  project,
  artifactId,
}: DeploySectionProps) {
  const options = useQuery(
    PolicyService.method.getReleaseOptions,
    releaseOptionsInput(organisation, project, artifactId),
  );
  return (
    <Section title="Deploy this release">
      {options.data ? (
        options.data.environments.length === 0 ? (
          <Empty title="No environments yet">An admin must create an environment first.</Empty>
        ) : (
          <DeployForm
            artifactId={artifactId}
            pipelines={options.data.pipelines}
            environments={options.data.environments.map(({ name }) => name)}
            forecasts={options.data.forecasts}
          />
        )
      ) : options.isError ? (
        <Failed
          title="Couldn't load pipelines and environments"
          message={describeError(options.error).message}
          onRetry={() => options.refetch()}
          retrying={options.isFetching}
        />
      ) : (
        <Loading />
      )}
    </Section>
  );
});
