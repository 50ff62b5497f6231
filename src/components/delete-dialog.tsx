import { ConfirmDialog } from './confirm-dialog.tsx';
import { announce } from './toast.tsx';

export interface DeleteDialogProps {
  /** In lower case: `policy`. */
  readonly what: string;
  readonly name: string;
  /** The consequences. */
  readonly description: string;
  readonly deletion: { readonly error: unknown; readonly isPending: boolean };
  /** Deletes it and calls `onSuccess`. */
  readonly onConfirm: (done: { readonly onSuccess: () => void }) => void;
  readonly onClose: () => void;
}

/** Asks for confirmation of a deletion. */
export function DeleteDialog({ what, name, description, deletion, onConfirm, onClose }: DeleteDialogProps) {
  const onSuccess = () => {
    announce(`${what.charAt(0).toUpperCase()}${what.slice(1)} deleted`);
    onClose();
  };
  return (
    <ConfirmDialog
      title={`Delete ${what} "${name}"?`}
      description={description}
      confirmLabel="Delete"
      failure={`Couldn't delete “${name}”`}
      mutation={deletion}
      onConfirm={() => onConfirm({ onSuccess })}
      onClose={onClose}
    />
  );
}
