import { AlertDialog, AlertDialogCancel } from '#src/components/alert-dialog.tsx';
import { Button } from '#src/components/button.tsx';
import { ActionError } from '#src/components/states.tsx';
import { announce } from '#src/components/toast.tsx';
import { describeError } from '#src/lib/errors.ts';

export interface DeleteDialogProps {
  readonly what: 'environment' | 'destination';
  readonly name: string;
  /** What deleting it does. */
  readonly description: string;
  readonly deletion: { readonly error: unknown; readonly isPending: boolean };
  /** Deletes it, and calls `onSuccess` when it is gone. */
  readonly onConfirm: (done: { readonly onSuccess: () => void }) => void;
  readonly onClose: () => void;
}

/** Asks before an environment or a destination is deleted. A refusal stays in the dialog, in the server's words. */
export function DeleteDialog({ what, name, description, deletion, onConfirm, onClose }: DeleteDialogProps) {
  const onSuccess = () => {
    announce(what === 'environment' ? 'Environment deleted.' : 'Destination deleted.');
    onClose();
  };
  return (
    <AlertDialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={`Delete ${what} "${name}"?`}
      description={description}
      actions={
        <>
          <AlertDialogCancel />
          <Button variant="danger" onClick={() => onConfirm({ onSuccess })} pending={deletion.isPending}>
            Delete
          </Button>
        </>
      }
    >
      {deletion.error != null && (
        <div className="mt-3">
          <ActionError>
            “{name}” was not deleted. {describeError(deletion.error).message}
          </ActionError>
        </div>
      )}
    </AlertDialog>
  );
}
