import type { ReactNode } from 'react';
import { Button, type ButtonVariant } from './button.tsx';
import { Dialog } from './dialog.tsx';
import { Form, FormError } from './form.tsx';

export interface FormDialogProps {
  readonly title: string;
  readonly description?: ReactNode;
  /** The fields; the first gets the focus. */
  readonly children: ReactNode;
  /** As in `Form`. */
  readonly problems: object | null;
  /** A problem of the whole form. */
  readonly error?: string | undefined;
  /** The button's content; without it there is nothing to send. */
  readonly submit: ReactNode;
  readonly variant?: ButtonVariant;
  readonly pending?: boolean;
  readonly onSubmit: () => void;
  readonly onClose: () => void;
  /** A second step in place of the form and its description, such as a secret that is shown once. */
  readonly result?: ReactNode;
}

/** A form in a dialog, mounted while it is open. It stays open while it is sent, and keeps its input when that fails. */
export function FormDialog({
  title,
  description,
  children,
  problems,
  error,
  submit,
  variant = 'primary',
  pending = false,
  onSubmit,
  onClose,
  result,
}: FormDialogProps) {
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open && !pending) onClose();
      }}
      title={title}
      description={result ? undefined : description}
      persistent={Boolean(result)}
    >
      {result ?? (
        <Form
          problems={problems}
          onSubmit={() => {
            if (!pending) onSubmit();
          }}
          className="flex flex-col gap-4"
        >
          {children}
          <FormError>{error}</FormError>
          <div className="mt-1 flex flex-wrap justify-end gap-2">
            <Button aria-disabled={pending || undefined} onClick={() => !pending && onClose()}>
              Cancel
            </Button>
            {submit && (
              <Button type="submit" variant={variant} pending={pending}>
                {submit}
              </Button>
            )}
          </div>
        </Form>
      )}
    </Dialog>
  );
}
