import * as Radix from 'radix-ui/alert-dialog';
import type { AlertDialogProps } from './alert-dialog.tsx';
import { useReturnedFocus } from './dialog-focus.ts';
import { Backdrop, dialogBox } from './dialog-look.tsx';

/** The open alert dialog. In a file of its own because Radix is loaded when the first dialog opens. */
export function AlertDialogBody({
  onOpenChange,
  title,
  description,
  children,
  actions,
  onSubmit,
}: AlertDialogProps) {
  const focus = useReturnedFocus();
  const body = (
    <>
      {children}
      <div className="mt-5 flex flex-wrap justify-end gap-2">{actions}</div>
    </>
  );
  return (
    <Radix.Root open onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Backdrop />
        <Radix.Content className={dialogBox} {...focus}>
          <Radix.Title className="text-base font-semibold wrap-anywhere">{title}</Radix.Title>
          <Radix.Description asChild>
            <div className="mt-2 text-sm text-muted wrap-anywhere">{description}</div>
          </Radix.Description>
          {onSubmit ? (
            <form
              noValidate
              onSubmit={(event) => {
                event.preventDefault();
                // A dialog stands in the page's tree of components: its submit must not reach a form around it.
                event.stopPropagation();
                onSubmit();
              }}
            >
              {body}
            </form>
          ) : (
            body
          )}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
