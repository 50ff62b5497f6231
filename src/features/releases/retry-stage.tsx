import type { ReactNode } from 'react';
import { Button } from '#src/components/button.tsx';
import { ActionError } from '#src/components/states.tsx';
import { announce } from '#src/components/toast.tsx';
import { UserText } from '#src/components/user-text.tsx';
import type { PipelineStageState } from '#src/gen/forest/v1/releases_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { useRetryStage } from './use-release.ts';

export interface RetryStageProps {
  readonly releaseIntentId: string;
  readonly stage: PipelineStageState;
}

/** Makes again what failed in a stage; its votes stay. Loaded where the server allows it. */
export default function RetryStage({ releaseIntentId, stage }: RetryStageProps): ReactNode {
  const retry = useRetryStage();
  const { stageId, environment } = stage;
  return (
    <div className="mt-1 flex min-w-0 flex-col items-start gap-1.5">
      <Button
        variant="text"
        className="-ml-3"
        pending={retry.isPending}
        onClick={() =>
          retry.mutate(
            { releaseIntentId, stageId },
            { onSuccess: () => announce(`Retrying ${environment ?? stageId}`) },
          )
        }
      >
        Retry
      </Button>
      {retry.error && (
        <ActionError>
          Not retried: <UserText>{describeError(retry.error).message}</UserText>
        </ActionError>
      )}
    </div>
  );
}
