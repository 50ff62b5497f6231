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
  const { project, name, rollBackOn } = build;
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={rollBackOn ? `Roll back ${rollBackOn}` : 'Deploy this release'}
      description={
        rollBackOn ? (
          <RollBackFacts name={name} />
        ) : (
          <>
            <UserText>{name}</UserText> of <UserText>{project}</UserText>
          </>
        )
      }
    >
      <DeployBody {...build} onClose={onClose} />
    </Dialog>
  );
}

/** What a rollback does. */
export function RollBackFacts({ name }: { readonly name: string }) {
  return (
    <>
      To <UserText>{name}</UserText>. The policies of the environment apply to a rollback too.
    </>
  );
}

/** The form, once it is known what the build can be deployed to. */
export function DeployBody({ onClose, ...build }: DeployDialogProps) {
  const { organisation, project, artifactId, rollBackOn } = build;
  const options = useQuery(PolicyService.method.getReleaseOptions, {
    project: { organisation, project },
    artifactId,
  });
  if (!options.data) {
    if (!options.isError) return <Loading />;
    return (
      <Failed
        title="Couldn't load pipelines and environments"
        message={describeError(options.error).message}
        onRetry={() => options.refetch()}
        retrying={options.isFetching}
      />
    );
  }
  const { pipelines, environments, forecasts } = options.data;
  if (environments.length === 0) {
    return <Empty title="No environments yet">An admin must create an environment first.</Empty>;
  }
  return (
    <DeployForm
      build={build}
      pipelines={rollBackOn ? [] : pipelines}
      environments={environments.map(({ name }) => name)}
      forecasts={forecasts}
      onClose={onClose}
    />
  );
}
