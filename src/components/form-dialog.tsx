import type { ReactNode } from 'react';
import { Button, type ButtonVariant } from './button.tsx';
import { Dialog } from './dialog.tsx';
import { Form, FormError } from './form.tsx';

export interface FormDialogProps {
  readonly title: string;
  readonly description?: ReactNode;
  /** The fields. The first of them has the focus. */
  readonly children: ReactNode;
  /** What the last attempt found wrong, as in `Form`. */
  readonly problems: object | null;
  /** What is wrong with the whole, beside the button. */
  readonly error?: string | undefined;
  readonly submit: string;
  readonly variant?: ButtonVariant;
  readonly pending?: boolean;
  readonly onSubmit: () => void;
  readonly onClose: () => void;
}

/** A form over the page, mounted while it is open. A failed save keeps it and what was typed; it stays while it is sent. */
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
}: FormDialogProps) {
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open && !pending) onClose();
      }}
      title={title}
      description={description}
    >
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
          <Button type="submit" variant={variant} pending={pending}>
            {submit}
          </Button>
        </div>
      </Form>
    </Dialog>
  );
}
