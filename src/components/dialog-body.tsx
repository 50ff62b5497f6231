import { X } from 'lucide-react';
import * as Radix from 'radix-ui/dialog';
import { classNames } from './class-names.ts';
import type { DialogProps } from './dialog.tsx';
import { useReturnedFocus } from './dialog-focus.ts';
import { Backdrop, dialogBox } from './dialog-look.tsx';

/** The open dialog. In a file of its own because Radix is loaded when the first dialog opens. */
export function DialogBody({ onOpenChange, title, description, children, actions, wide }: DialogProps) {
  const focus = useReturnedFocus();
  return (
    <Radix.Root open onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Backdrop />
        <Radix.Content
          className={classNames(dialogBox, wide && 'max-w-3xl')}
          {...focus}
          {...(description ? {} : { 'aria-describedby': undefined })}
        >
          <div className="flex items-start justify-between gap-3">
            <Radix.Title className="text-base font-semibold wrap-anywhere">{title}</Radix.Title>
            <Radix.Close
              aria-label="Close"
              className="-m-1 cursor-pointer rounded p-1 text-muted hover:text-ink"
            >
              <X aria-hidden size={18} />
            </Radix.Close>
          </div>
          {description && (
            <Radix.Description asChild>
              <div className="mt-2 text-sm text-muted wrap-anywhere">{description}</div>
            </Radix.Description>
          )}
          <div className="mt-3">{children}</div>
          {actions && <div className="mt-5 flex flex-wrap justify-end gap-2">{actions}</div>}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
