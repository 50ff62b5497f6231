import { AlertDialog, AlertDialogCancel } from '#src/components/alert-dialog.tsx';
import { Button } from '#src/components/button.tsx';
import { ActionError } from '#src/components/states.tsx';
import { announce } from '#src/components/toast.tsx';
import { describeError } from '#src/lib/errors.ts';
import { useSessionMutations } from './use-sessions.ts';

/** Asks whether to end all sessions, or all but this one. A refusal is shown in the dialog. */
export function SignOutEverywhere({ onClose }: { readonly onClose: () => void }) {
  const { endAll, endOthers } = useSessionMutations();
  const error = endAll.error ?? endOthers.error;
  const pending = endAll.isPending || endOthers.isPending;
  const onSuccess = () => {
    announce('Signed out everywhere else');
    onClose();
  };
  return (
    <AlertDialog
      open
      onOpenChange={(open) => {
        if (!open && !pending) onClose();
      }}
      title="Sign out everywhere?"
      description="All browsers and clients must sign in again. Access tokens keep working. Delete any you don't recognise."
      actions={
        <>
          <AlertDialogCancel />
          <Button
            variant="reject"
            pending={endOthers.isPending}
            onClick={() => endOthers.mutate({ keepThis: true }, { onSuccess })}
          >
            Everywhere else
          </Button>
          <Button variant="danger" pending={endAll.isPending} onClick={() => endAll.mutate({})}>
            Everywhere
          </Button>
        </>
      }
    >
      {error && (
        <div className="mt-3">
          <ActionError>{`Couldn't sign out. ${describeError(error).message}`}</ActionError>
        </div>
      )}
    </AlertDialog>
  );
}
