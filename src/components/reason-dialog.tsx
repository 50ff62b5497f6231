import { type ReactNode, useState } from 'react';
import { commentProblem } from '#src/lib/comment-rule.ts';
import { describeError } from '#src/lib/errors.ts';
import { AlertDialog, AlertDialogCancel } from './alert-dialog.tsx';
import { Button } from './button.tsx';
import { Field, Textarea } from './field.tsx';
import { ActionError } from './states.tsx';
import { UserText } from './user-text.tsx';

export interface ReasonDialogProps {
  readonly title: string;
  readonly description: ReactNode;
  readonly label?: string;
  readonly submit: string;
  readonly pending: boolean;
  /** Why the action failed. */
  readonly error: unknown;
  /** Further fields, above the reason. */
  readonly children?: ReactNode;
  readonly onSubmit: (reason: string) => void;
  readonly onClose: () => void;
}

/** Confirms an action that is recorded with a reason. Mounted while open; a failure is shown in it. */
export function ReasonDialog({
  title,
  description,
  label = 'Reason',
  submit,
  pending,
  error,
  children,
  onSubmit,
  onClose,
}: ReasonDialogProps) {
  const [reason, setReason] = useState('');
  const [problem, setProblem] = useState<string>();
  const problemOf = (text: string) =>
    text.trim() === '' ? `Enter a ${label.toLowerCase()}. It is kept in the history.` : commentProblem(text);
  return (
    <AlertDialog
      open
      onOpenChange={(open) => {
        if (!open && !pending) onClose();
      }}
      title={title}
      description={description}
      onSubmit={() => {
        const found = problemOf(reason);
        setProblem(found);
        if (!found && !pending) onSubmit(reason.trim());
      }}
      actions={
        <>
          <AlertDialogCancel />
          <Button type="submit" variant="danger" pending={pending}>
            {submit}
          </Button>
        </>
      }
    >
      <div className="mt-4 flex flex-col gap-3">
        {children}
        <Field label={label} required error={problem}>
          {(control) => (
            <Textarea
              {...control}
              rows={3}
              value={reason}
              onChange={(event) => {
                setReason(event.target.value);
                if (problem) setProblem(problemOf(event.target.value));
              }}
            />
          )}
        </Field>
        {error != null && (
          <ActionError>
            <UserText>{describeError(error).message}</UserText>
          </ActionError>
        )}
      </div>
    </AlertDialog>
  );
}
