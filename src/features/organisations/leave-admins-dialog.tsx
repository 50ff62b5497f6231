import { AlertDialog, AlertDialogCancel } from '#src/components/alert-dialog.tsx';
import { Button } from '#src/components/button.tsx';

export interface LeaveAdminsDialogProps {
  readonly organisation: string;
  readonly onConfirm: () => void;
  readonly onClose: () => void;
}

/** Asks before an admin gives up their own role, which they cannot take back by themselves. */
export function LeaveAdminsDialog({ organisation, onConfirm, onClose }: LeaveAdminsDialogProps) {
  return (
    <AlertDialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title="Stop being an admin?"
      description={`You will be a member of ${organisation}. Only another admin can make you admin again.`}
      actions={
        <>
          <AlertDialogCancel />
          <Button variant="danger" onClick={onConfirm}>
            Make me a member
          </Button>
        </>
      }
    />
  );
}
