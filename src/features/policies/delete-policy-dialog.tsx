import { AlertDialog, AlertDialogCancel } from '#src/components/alert-dialog.tsx';
import { Button } from '#src/components/button.tsx';
import { ActionError } from '#src/components/states.tsx';
import { announce } from '#src/components/toast.tsx';
import { describeError } from '#src/lib/errors.ts';
import { usePolicyWrites } from './use-policy-writes.ts';

export interface DeletePolicyDialogProps {
  readonly organisation: string;
  readonly project: string;
  readonly name: string;
  readonly onClose: () => void;
}

/** Asks before a policy is deleted, and says what that does to waiting releases. */
export function DeletePolicyDialog({ organisation, project, name, onClose }: DeletePolicyDialogProps) {
  const { remove } = usePolicyWrites();
  const confirm = () => {
    remove.mutate(
      { project: { organisation, project }, name },
      {
        onSuccess: () => {
          announce('Policy deleted.');
          onClose();
        },
      },
    );
  };
  return (
    <AlertDialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={`Delete policy "${name}"?`}
      description="Releases that wait because of it alone go on at once. Votes and history stay. This cannot be undone."
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
