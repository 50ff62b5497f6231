import { AlertDialog, AlertDialogCancel } from '#src/components/alert-dialog.tsx';
import { Button } from '#src/components/button.tsx';
import { ActionError } from '#src/components/states.tsx';
import { announce } from '#src/components/toast.tsx';
import type { OrganisationMember } from '#src/gen/forest/v1/organisations_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { useOrganisationWrites } from './use-organisation-writes.ts';

export interface RemoveMemberDialogProps {
  readonly organisation: string;
  readonly organisationId: string;
  readonly member: OrganisationMember;
  readonly onClose: () => void;
}

/** Asks before a membership is ended, and says what that does to votes. */
export function RemoveMemberDialog({
  organisation,
  organisationId,
  member: { userId, username },
  onClose,
}: RemoveMemberDialogProps) {
  const { remove } = useOrganisationWrites();
  const confirm = async () => {
    try {
      await remove.mutateAsync({ organisationId, userId });
    } catch {
      return; // Shown below, from the mutation.
    }
    announce(`${username} was removed.`);
    onClose();
  };
  return (
    <AlertDialog
      open
      onOpenChange={(open) => {
        if (!open && !remove.isPending) onClose();
      }}
      title={`Remove ${username} from ${organisation}?`}
      description="They will not see anything of it any more. Votes on waiting releases stay on record and stop counting; after being added again they count again."
      actions={
        <>
          <AlertDialogCancel />
          <Button variant="danger" onClick={confirm} pending={remove.isPending}>
            Remove
          </Button>
        </>
      }
    >
      {remove.error && (
        <div className="mt-3">
          <ActionError>
            {username} was not removed. {describeError(remove.error).message}
          </ActionError>
        </div>
      )}
    </AlertDialog>
  );
}
