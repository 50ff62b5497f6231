import { X } from 'lucide-react';
import * as RadixAlert from 'radix-ui/alert-dialog';
import * as Radix from 'radix-ui/dialog';
import { useEffect, useRef } from 'react';
import type { AlertDialogProps } from './alert-dialog.tsx';
import { classNames } from './class-names.ts';
import type { DialogProps } from './dialog.tsx';
import { Form } from './form.tsx';
import { shownNode, UserText } from './user-text.tsx';

// The open dialogs. In a file of their own because Radix is loaded when the first dialog opens.

const surface = 'fixed z-50 overflow-y-auto border border-line bg-surface p-5 shadow-xl';
const box = `${surface} inset-x-4 top-[12vh] mx-auto max-h-[80vh] rounded-lg`;
const bottom = `${surface} inset-x-0 bottom-0 max-h-[85dvh] rounded-t-lg pb-[calc(1.25rem+env(safe-area-inset-bottom))]`;

export function DialogBody(props: DialogProps) {
  const { onOpenChange, title, description, children, actions, wide, persistent, sheet = false } = props;
  const focus = useReturnedFocus(sheet);
  return (
    <Radix.Root open onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Backdrop />
        <Radix.Content
          className={sheet ? bottom : classNames(box, wide ? 'max-w-5xl' : 'max-w-lg')}
          {...focus}
          onInteractOutside={(event) => persistent && event.preventDefault()}
          {...(description ? {} : { 'aria-describedby': undefined })}
        >
          <div className="flex items-start justify-between gap-3">
            <Radix.Title tabIndex={-1} className="text-base font-semibold outline-none wrap-anywhere">
              <UserText>{title}</UserText>
            </Radix.Title>
            <Radix.Close
              aria-label="Close"
              className="-m-1 inline-flex min-h-7 min-w-7 cursor-pointer items-center justify-center rounded text-muted hover:text-ink pointer-coarse:min-h-11 pointer-coarse:min-w-11"
            >
              <X aria-hidden size={18} />
            </Radix.Close>
          </div>
          {description && (
            <Radix.Description asChild>
              <div className="mt-2 text-sm text-muted wrap-anywhere">{shownNode(description)}</div>
            </Radix.Description>
          )}
          <div className="mt-3">{children}</div>
          {actions && <div className="mt-5 flex flex-wrap justify-end gap-2">{actions}</div>}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

export function AlertDialogBody(props: AlertDialogProps) {
  const { onOpenChange, title, description, children, actions, onSubmit } = props;
  const focus = useReturnedFocus();
  const body = (
    <>
      {children}
      <div className="mt-5 flex flex-wrap justify-end gap-2">{actions}</div>
    </>
  );
  return (
    <RadixAlert.Root open onOpenChange={onOpenChange}>
      <RadixAlert.Portal>
        <Backdrop />
        <RadixAlert.Content className={classNames(box, 'max-w-lg')} {...focus}>
          <RadixAlert.Title className="text-base font-semibold wrap-anywhere">
            <UserText>{title}</UserText>
          </RadixAlert.Title>
          <RadixAlert.Description asChild>
            <div className="mt-2 text-sm text-muted wrap-anywhere">{shownNode(description)}</div>
          </RadixAlert.Description>
          {onSubmit ? (
            <Form problems={null} onSubmit={onSubmit}>
              {body}
            </Form>
          ) : (
            body
          )}
        </RadixAlert.Content>
      </RadixAlert.Portal>
    </RadixAlert.Root>
  );
}

/**
 * The dark layer behind a dialog. Ours instead of Radix's overlay, which writes a style element into the page
 * to stop scrolling and so violates the content security policy; the style sheet does that here. While it is
 * there, nothing behind it can be reached by pointer, keyboard or screen reader.
 */
function Backdrop() {
  useEffect(() => {
    const page = document.getElementById('root');
    page?.setAttribute('inert', '');
    return () => page?.removeAttribute('inert');
  }, []);
  return <div data-backdrop className="fixed inset-0 z-40 bg-black/50" />;
}

/**
 * Focuses the **Cancel** button of an alert dialog, else the first field (the heading where a field would open a keyboard over the
 * dialog), and returns the focus when the dialog closes, also for dialogs that are opened by state rather than by a trigger. If the
 * opener no longer exists (its row was deleted), the element marked `data-focus-return` gets the focus, else the page's main part.
 */
function useReturnedFocus(toHeading = window.matchMedia?.('(pointer: coarse)').matches) {
  const opener = useRef<Element | null>(null);
  return {
    onOpenAutoFocus: (event: Event) => {
      opener.current = document.activeElement;
      const content = event.currentTarget;
      if (!(content instanceof HTMLElement)) return;
      const first =
        content.querySelector<HTMLElement>('[data-dialog-cancel]') ??
        content.querySelector<HTMLElement>(toHeading ? 'h2' : 'input, textarea, select');
      if (!first) return;
      event.preventDefault();
      first.focus({ preventScroll: true });
    },
    onCloseAutoFocus: (event: Event) => {
      event.preventDefault();
      const back = opener.current;
      if (back instanceof HTMLElement && back.isConnected && back !== document.body) back.focus();
      else {
        const marked = document.querySelector<HTMLElement>('[data-focus-return]');
        (marked ?? document.getElementById('main'))?.focus();
      }
    },
  };
}
