import { useQuery } from '@connectrpc/connect-query';
import { Dialog } from '#src/components/dialog.tsx';
import { Empty, Failed, Loading } from '#src/components/states.tsx';
import { ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import { buildName } from '#src/lib/build-words.ts';
import { describeError } from '#src/lib/errors.ts';
import { DeployBody, RollBackFacts } from './deploy-dialog.tsx';
import type { RollBackButtonProps } from './roll-back-button.tsx';

/** Deploys the build to an environment that was live there before. Mounted while open. */
export function RollBackDialog({
  organisation,
  project,
  environment,
  onClose,
}: RollBackButtonProps & { readonly onClose: () => void }) {
  const board = useQuery(ReleaseService.method.getDeploymentBoard, { organisation, project });
  const cells = board.data?.rows.flatMap((row) => row.cells);
  const previous = cells?.find((cell) => cell.environment === environment)?.previous;
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Roll back ${environment}`}
      description={previous && <RollBackFacts name={buildName(previous)} />}
    >
      {previous ? (
        <DeployBody
          organisation={organisation}
          project={project}
          artifactId={previous.artifactId}
          name={buildName(previous)}
          rollBackOn={environment}
          onClose={onClose}
        />
      ) : board.data ? (
        <Empty title="Nothing to roll back to">No other build was live here before this one.</Empty>
      ) : board.isError ? (
        <Failed
          title="Couldn't find the previous build"
          message={describeError(board.error).message}
          onRetry={() => board.refetch()}
          retrying={board.isFetching}
        />
      ) : (
        <Loading />
      )}
    </Dialog>
  );
}
