import { useMutation } from '@connectrpc/connect-query';
import { type ReactNode, useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { ReasonDialog } from '#src/components/reason-dialog.tsx';
import { announce } from '#src/components/toast.tsx';
import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import { useInvalidate } from '#src/lib/use-invalidate.ts';
import type { ReleaseRef } from './queries.ts';

/** Ends the hold that a rollback has left, after confirmation. Loaded where the server allows it. */
export default function EndHold({
  release: { organisation, project },
  environment,
}: {
  readonly release: ReleaseRef;
  readonly environment: string;
}): ReactNode {
  const [open, setOpen] = useState(false);
  const invalidate = useInvalidate();
  const { mutate, isPending, error } = useMutation(ReleaseService.method.endHold, {
    onSettled: () => invalidate(ReleaseService, PolicyService),
  });
  return (
    <>
      <Button className="self-start" onClick={() => setOpen(true)}>
        End hold
      </Button>
      {open && (
        <ReasonDialog
          title={`End the hold on ${environment}?`}
          description="Newer builds than the one that was rolled back to can be deployed again, if their policies pass."
          label="Comment"
          submit="End hold"
          pending={isPending}
          error={error}
          onClose={() => setOpen(false)}
          onSubmit={(comment) =>
            mutate(
              { project: { organisation, project }, environment, comment },
              {
                onSuccess: () => {
                  setOpen(false);
                  announce(`Hold on ${environment} ended`);
                },
              },
            )
          }
        />
      )}
    </>
  );
}
