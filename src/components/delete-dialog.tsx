import { describeError } from '#src/lib/errors.ts';
import { AlertDialog, AlertDialogCancel } from './alert-dialog.tsx';
import { Button } from './button.tsx';
import { ActionError } from './states.tsx';
import { announce } from './toast.tsx';

export interface DeleteDialogProps {
  /** What kind of thing it is, in lower case: `policy`. */
  readonly what: string;
  readonly name: string;
  /** What deleting it does. */
  readonly description: string;
  readonly deletion: { readonly error: unknown; readonly isPending: boolean };
  /** Deletes it, and calls `onSuccess` when it is gone. */
  readonly onConfirm: (done: { readonly onSuccess: () => void }) => void;
  readonly onClose: () => void;
}

/** Asks before something is deleted. A refusal stays in the dialog, in the server's words. */
export function DeleteDialog({ what, name, description, deletion, onConfirm, onClose }: DeleteDialogProps) {
  const onSuccess = () => {
    announce(`${what.charAt(0).toUpperCase()}${what.slice(1)} deleted.`);
    onClose();
  };
  return (
    <AlertDialog
      open
      onOpenChange={(open) => {
        if (!open && !deletion.isPending) onClose();
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
