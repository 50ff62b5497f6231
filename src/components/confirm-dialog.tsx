import type { ReactNode } from 'react';
import { describeError } from '#src/lib/errors.ts';
import { AlertDialog, AlertDialogCancel } from './alert-dialog.tsx';
import { Button } from './button.tsx';
import { ActionError } from './states.tsx';

export interface ConfirmDialogProps {
  readonly title: string;
  /** The consequences. */
  readonly description: ReactNode;
  /** Choices below the description. */
  readonly children?: ReactNode;
  readonly confirmLabel: string;
  /** What failed, as in "Couldn't remove ada". */
  readonly failure: string;
  readonly mutation: { readonly error: unknown; readonly isPending: boolean };
  readonly onConfirm: () => void;
  readonly onClose: () => void;
}

/** Asks for confirmation of a change that is hard to undo, and stays open while it is sent. A refusal is shown in the dialog. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  const { title, description, children, confirmLabel, failure, mutation, onConfirm, onClose } = props;
  return (
    <AlertDialog
      open
      onOpenChange={(open) => {
        if (!open && !mutation.isPending) onClose();
      }}
      title={title}
      description={description}
      actions={
        <>
          <AlertDialogCancel />
          <Button variant="danger" onClick={onConfirm} pending={mutation.isPending}>
            {confirmLabel}
          </Button>
        </>
      }
    >
      {children}
      {mutation.error != null && (
        <div className="mt-3">
          <ActionError>{`${failure}. ${describeError(mutation.error).message}`}</ActionError>
        </div>
      )}
    </AlertDialog>
  );
}
