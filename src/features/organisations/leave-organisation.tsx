import { useState } from 'react';
import { useNavigate } from 'react-router';
import { AlertDialog, AlertDialogCancel } from '#src/components/alert-dialog.tsx';
import { Button } from '#src/components/button.tsx';
import { ActionError } from '#src/components/states.tsx';
import { announce } from '#src/components/toast.tsx';
import { paths } from '#src/config/paths.ts';
import { describeError } from '#src/lib/errors.ts';
import { useOrganisationWrites } from './use-organisation-writes.ts';

export interface LeaveOrganisationProps {
  readonly organisation: string;
  readonly organisationId: string;
}

/** For oneself, whatever one's role: asks first, and says what it does to votes. */
export function LeaveOrganisation({ organisation, organisationId }: LeaveOrganisationProps) {
  const [asking, setAsking] = useState(false);
  const { leave } = useOrganisationWrites();
  const navigate = useNavigate();
  const close = () => {
    leave.reset();
    setAsking(false);
  };
  const confirm = async () => {
    try {
      await leave.mutateAsync({ organisationId });
    } catch {
      return; // Shown below, from the mutation.
    }
    announce(`You left ${organisation}.`);
    // Who left sees nothing of the organisation any more, this page included.
    void navigate(paths.home());
  };
  return (
    <>
      <Button variant="reject" onClick={() => setAsking(true)}>
        Leave organisation
      </Button>
      <AlertDialog
        open={asking}
        onOpenChange={(open) => {
          if (!open && !leave.isPending) close();
        }}
        title={`Leave ${organisation}?`}
        description="You will not see anything of it any more. Your votes on waiting releases stay on record and stop counting. Only an admin can add you again; then they count again."
        actions={
          <>
            <AlertDialogCancel />
            <Button variant="danger" onClick={confirm} pending={leave.isPending}>
              Leave
            </Button>
          </>
        }
      >
        {leave.error && (
          <div className="mt-3">
            <ActionError>You did not leave. {describeError(leave.error).message}</ActionError>
          </div>
        )}
      </AlertDialog>
    </>
  );
}
