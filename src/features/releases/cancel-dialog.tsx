import { useState } from 'react';
import { AlertDialog, AlertDialogCancel } from '#src/components/alert-dialog.tsx';
import { Button } from '#src/components/button.tsx';
import { Field, Textarea } from '#src/components/field.tsx';
import { ActionError } from '#src/components/states.tsx';
import { announce } from '#src/components/toast.tsx';
import { describeError } from '#src/lib/errors.ts';
import { useCancelRelease } from './use-release.ts';

export interface CancelDialogProps {
  readonly releaseIntentId: string;
  readonly slug: string;
  readonly onClose: () => void;
}

/** Asks for the reason and cancels a release. Mounted while open; a refusal is shown in it. */
export function CancelDialog({ releaseIntentId, slug, onClose }: CancelDialogProps) {
  const [reason, setReason] = useState('');
  const cancel = useCancelRelease();
  const refusal = cancel.error ? describeError(cancel.error) : undefined;
  return (
    <AlertDialog
      open
      onOpenChange={(open) => {
        if (!open && !cancel.isPending) onClose();
      }}
      title="Cancel this release?"
      description={`This ends the release of ${slug} and cancels the stages that have not started. What is already deployed stays deployed.`}
      onSubmit={() => {
        if (cancel.isPending) return;
        cancel.mutate(
          { releaseIntentId, reason: reason.trim() || undefined },
          {
            onSuccess: () => {
              onClose();
              announce('Release cancelled');
            },
          },
        );
      }}
      actions={
        <>
          <AlertDialogCancel>Keep release</AlertDialogCancel>
          <Button type="submit" variant="danger" pending={cancel.isPending}>
            Cancel release
          </Button>
        </>
      }
    >
      <div className="mt-4 flex flex-col gap-2">
        <Field label="Reason" optional error={refusal?.fieldErrors.reason}>
          {(control) => (
            <Textarea {...control} value={reason} onChange={(event) => setReason(event.target.value)} />
          )}
        </Field>
        {refusal && <ActionError>The release was not cancelled: {refusal.message}</ActionError>}
      </div>
    </AlertDialog>
  );
}
