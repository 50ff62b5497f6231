import { AlertDialog, AlertDialogCancel } from '#src/components/alert-dialog.tsx';
import { Button } from '#src/components/button.tsx';
import { ActionError } from '#src/components/states.tsx';
import { announce } from '#src/components/toast.tsx';
import { describeError } from '#src/lib/errors.ts';
import { useSessionWrites } from './use-session-writes.ts';

/** Asks before all sessions end, or all but this one. A refusal stays in the dialog, in the server's words. */
export function SignOutEverywhere({ onClose }: { readonly onClose: () => void }) {
  const { endAll, endOthers } = useSessionWrites();
  const error = endAll.error ?? endOthers.error;
  const pending = endAll.isPending || endOthers.isPending;
  const onSuccess = () => {
    announce('Signed out everywhere else.');
    onClose();
  };
  return (
    <AlertDialog
      open
      onOpenChange={(open) => {
        if (!open && !pending) onClose();
      }}
      title="Sign out everywhere?"
      description="All browsers and clients that are signed in as you have to sign in again. Access tokens go on: delete those that you do not know."
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
          <ActionError>Nothing was signed out. {describeError(error).message}</ActionError>
        </div>
      )}
    </AlertDialog>
  );
}
