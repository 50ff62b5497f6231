import { useQuery } from '@connectrpc/connect-query';
import { Dialog } from '#src/components/dialog.tsx';
import { Empty, Failed, Loading } from '#src/components/states.tsx';
import { UserText } from '#src/components/user-text.tsx';
import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import type { DeployButtonProps } from './deploy-button.tsx';
import { DeployForm } from './deploy-form.tsx';

export interface DeployDialogProps extends DeployButtonProps {
  readonly onClose: () => void;
}

/** Deploys a build: through an enabled pipeline of the project, or directly to one environment. Mounted while open. */
export function DeployDialog({ onClose, ...build }: DeployDialogProps) {
  const { organisation, project, artifactId, name, rollBackOn } = build;
  const options = useQuery(PolicyService.method.getReleaseOptions, {
    project: { organisation, project },
    artifactId,
  });
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={rollBackOn ? `Roll back ${rollBackOn} to ${name}` : 'Deploy this release'}
      description={
        rollBackOn ? (
          'The policies of the environment apply to a rollback too.'
        ) : (
          <>
            <UserText>{name}</UserText> of <UserText>{project}</UserText>
          </>
        )
      }
    >
      {options.data ? (
        options.data.environments.length === 0 ? (
          <Empty title="No environments yet">An admin must create an environment first.</Empty>
        ) : (
          <DeployForm
            build={build}
            pipelines={rollBackOn ? [] : options.data.pipelines}
            environments={rollBackOn ? [rollBackOn] : options.data.environments.map((one) => one.name)}
            forecasts={options.data.forecasts}
            onClose={onClose}
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
    </Dialog>
  );
}
