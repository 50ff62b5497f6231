import { AlertDialog, AlertDialogCancel } from '#src/components/alert-dialog.tsx';
import { Button } from '#src/components/button.tsx';
import { ActionError } from '#src/components/states.tsx';
import { announce } from '#src/components/toast.tsx';
import type { PersonalAccessToken } from '#src/gen/forest/v1/users_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { useTokenWrites } from './use-token-writes.ts';

export interface DeleteTokenDialogProps {
  readonly token: PersonalAccessToken;
  readonly onClose: () => void;
}

/** Asks before an access token is deleted: whatever uses it stops working at once. */
export function DeleteTokenDialog({ token: { tokenId, name }, onClose }: DeleteTokenDialogProps) {
  const { remove } = useTokenWrites();
  const confirm = () => {
    remove.mutate(
      { tokenId },
      {
        onSuccess: () => {
          announce('Access token deleted.');
          onClose();
        },
      },
    );
  };
  return (
    <AlertDialog
      open
      onOpenChange={(open) => {
        if (!open && !remove.isPending) onClose();
      }}
      title={`Delete access token "${name}"?`}
      description="Whatever signs in with it is refused at once. This cannot be undone."
      actions={
        <>
          <AlertDialogCancel />
          <Button variant="danger" onClick={confirm} pending={remove.isPending}>
            Delete
          </Button>
        </>
      }
    >
      {remove.error && (
        <div className="mt-3">
          <ActionError>
            “{name}” was not deleted. {describeError(remove.error).message}
          </ActionError>
        </div>
      )}
    </AlertDialog>
  );
}
