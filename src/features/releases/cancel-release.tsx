import { useState } from 'react';
import { AlertDialog, AlertDialogCancel } from '#src/components/alert-dialog.tsx';
import { Button } from '#src/components/button.tsx';
import { Field, Textarea } from '#src/components/field.tsx';
import { ActionError } from '#src/components/states.tsx';
import { announce } from '#src/components/toast.tsx';
import { describeError } from '#src/lib/errors.ts';
import { useCancelRelease } from './use-release.ts';

/** The button that ends a release, with its question. Shown to whom the server lets cancel. */
export function CancelRelease({ releaseIntentId, slug }: { releaseIntentId: string; slug: string }) {
  const [open, setOpen] = useState(false);
  const [reason, setReason] = useState('');
  const cancel = useCancelRelease();
  const refusal = cancel.error ? describeError(cancel.error) : undefined;
  return (
    <>
      <Button variant="reject" onClick={() => setOpen(true)}>
        Cancel release
      </Button>
      <AlertDialog
        open={open}
        onOpenChange={(shown) => {
          if (cancel.isPending) return;
          setOpen(shown);
          if (!shown) cancel.reset();
        }}
        title="Cancel this release?"
        description={`The release of ${slug} ends: stages that have not started are cancelled. What is deployed already stays deployed.`}
        onSubmit={() => {
          if (cancel.isPending) return;
          cancel.mutate(
            { releaseIntentId, reason: reason.trim() || undefined },
            {
              onSuccess: () => {
                setOpen(false);
                announce('The release was cancelled.');
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
          <Field label="Reason" hint="Optional." error={refusal?.fieldErrors.reason}>
            {(control) => (
              <Textarea {...control} value={reason} onChange={(event) => setReason(event.target.value)} />
            )}
          </Field>
          {refusal && <ActionError>The release was not cancelled: {refusal.message}</ActionError>}
        </div>
      </AlertDialog>
    </>
  );
}
