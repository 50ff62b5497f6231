import { createContext, type ReactNode, use } from 'react';
import { preloaded } from '#src/lib/after-load.ts';
import { Button, type ButtonProps } from './button.tsx';
import { useLoadedOnOpen } from './loaded-on-open.ts';

export interface AlertDialogProps {
  readonly open: boolean;
  readonly onOpenChange: (open: boolean) => void;
  readonly title: string;
  /** What will happen; announced with the title. */
  readonly description: ReactNode;
  /** Fields and messages between the description and the buttons. */
  readonly children?: ReactNode;
  /** The buttons; one of them an `AlertDialogCancel`, which has the focus first. */
  readonly actions: ReactNode;
  /** For a dialog with fields: it becomes a form, which Enter submits. */
  readonly onSubmit?: () => void;
}

const Close = createContext<() => void>(() => {});

/**
 * A modal confirmation (role `alertdialog`). Escape cancels, a click outside does nothing, and the
 * focus returns to where it was.
 */
export function AlertDialog(props: AlertDialogProps) {
  const { open, onOpenChange } = props;
  const body = useLoadedOnOpen(open, onOpenChange, loadBody);
  if (!open || !body) return null;
  const { AlertDialogBody } = body;
  return (
    <Close value={() => onOpenChange(false)}>
      <AlertDialogBody {...props} />
    </Close>
  );
}

const loadBody = preloaded(() => import('./dialog-body.tsx'));

/** Closes the dialog without a change. */
export function AlertDialogCancel({ children = 'Cancel', ...rest }: ButtonProps) {
  const close = use(Close);
  return (
    <Button {...rest} data-dialog-cancel onClick={close}>
      {children}
    </Button>
  );
}
