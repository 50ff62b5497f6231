import { useMutation } from '@connectrpc/connect-query';
import { type ReactNode, useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { Field, Select } from '#src/components/field.tsx';
import { Reason } from '#src/components/reason.tsx';
import { ReasonDialog } from '#src/components/reason-dialog.tsx';
import { announce } from '#src/components/toast.tsx';
import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { type DestinationState, ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import { uncertainText } from '#src/lib/uncertain-text.ts';
import { useInvalidate } from '#src/lib/use-invalidate.ts';

export interface DestinationActionsProps {
  readonly organisation: string;
  readonly project: string;
  readonly artifactId: string;
  readonly isAdmin: boolean;
  readonly state: DestinationState;
}

/** Why the server cannot know enough of a destination, and what an admin can do about it. Loaded where that is so. */
export default function DestinationActions({
  organisation,
  project,
  artifactId,
  isAdmin,
  state,
}: DestinationActionsProps): ReactNode {
  const [open, setOpen] = useState<'settle' | 'free'>();
  const [runs, setRuns] = useState(artifactId);
  const invalidate = useInvalidate();
  const refresh = { onSettled: () => invalidate(ReleaseService, PolicyService) };
  const settle = useMutation(ReleaseService.method.settleDestination, refresh);
  const free = useMutation(ReleaseService.method.freeDestination, refresh);
  const { destinationName: destination, live } = state;
  const close = () => setOpen(undefined);
  const closeWith = (message: string) => ({
    onSuccess: () => {
      close();
      announce(message);
    },
  });
  const reason = uncertainText(state);
  const shownReason = reason && (
    <span className="mt-1 block text-xs text-waiting wrap-anywhere">
      <Reason>{reason}</Reason>
    </span>
  );
  if (!isAdmin) return shownReason;
  return (
    <>
      {shownReason}
      <span className="mt-1 flex flex-wrap gap-2">
        {state.uncertain && <Button onClick={() => setOpen('settle')}>Settle</Button>}
        {state.inFlight.some(({ cancelling }) => cancelling) && (
          <Button onClick={() => setOpen('free')}>Free</Button>
        )}
        {open === 'settle' && (
          <ReasonDialog
            title={`Settle ${destination}?`}
            description={`State what ${destination} runs. Soak times begin again from now.`}
            submit="Settle"
            pending={settle.isPending}
            error={settle.error}
            onClose={close}
            onSubmit={(reason) =>
              settle.mutate(
                { project: { organisation, project }, destination, artifactId: runs || undefined, reason },
                closeWith(`${destination} settled`),
              )
            }
          >
            <Field label="It runs">
              {(control) => (
                <Select {...control} value={runs} onChange={(event) => setRuns(event.target.value)}>
                  <option value={artifactId}>This build</option>
                  {live && live.artifactId !== artifactId && (
                    <option value={live.artifactId}>{live.version || live.slug}</option>
                  )}
                  <option value="">Nothing of this project</option>
                </Select>
              )}
            </Field>
          </ReasonDialog>
        )}
        {open === 'free' && (
          <ReasonDialog
            title={`Free ${destination}?`}
            description="The next deployment starts at once. The cancelled one may still be at work there."
            submit="Free"
            pending={free.isPending}
            error={free.error}
            onClose={close}
            onSubmit={(reason) =>
              free.mutate({ organisation, destination, reason }, closeWith(`${destination} freed`))
            }
          />
        )}
      </span>
    </>
  );
}
