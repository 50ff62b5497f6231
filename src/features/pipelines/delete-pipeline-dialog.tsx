import { AlertDialog, AlertDialogCancel } from '#src/components/alert-dialog.tsx';
import { Button } from '#src/components/button.tsx';
import { ActionError } from '#src/components/states.tsx';
import { announce } from '#src/components/toast.tsx';
import { describeError } from '#src/lib/errors.ts';
import { usePipelineWrites } from './use-pipeline-writes.ts';

export interface DeletePipelineDialogProps {
  readonly organisation: string;
  readonly project: string;
  readonly name: string;
  readonly onClose: () => void;
}

/** Asks before a pipeline is deleted, and says what that does to releases under way. */
export function DeletePipelineDialog({ organisation, project, name, onClose }: DeletePipelineDialogProps) {
  const { remove } = usePipelineWrites();
  const confirm = () => {
    remove.mutate(
      { project: { organisation, project }, name },
      {
        onSuccess: () => {
          announce('Pipeline deleted.');
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
      title={`Delete pipeline "${name}"?`}
      description="Releases under way finish with their own copy of it. New ones can no longer use it. This cannot be undone."
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
