import { EllipsisVertical } from 'lucide-react';
import { type ReactNode, useId, useRef } from 'react';
import { visibleText } from '#src/lib/visible-text.ts';

export interface RowActionsProps {
  /** The row's name, for screen readers. */
  readonly name: string;
  /** Text buttons and links. */
  readonly children: ReactNode;
}

/**
 * The actions of a row: beside each other, or on phones in a menu at the bottom of the screen. The browser's popover closes
 * on Escape and on a tap outside, and returns the focus.
 */
export function RowActions({ name, children }: RowActionsProps) {
  const id = useId();
  const menu = useRef<HTMLDivElement>(null);
  return (
    <>
      <button
        type="button"
        popoverTarget={id}
        aria-label={visibleText(`Actions for ${name}`)}
        className="-mr-3 ml-auto flex size-11 shrink-0 cursor-pointer items-center justify-center rounded-md text-muted hover:bg-sunken hover:text-ink sm:hidden"
      >
        <EllipsisVertical aria-hidden size={18} />
      </button>
      {/* biome-ignore lint/a11y/noStaticElementInteractions lint/a11y/useKeyWithClickEvents: closes the menu after a click on one of its buttons, which keys cause too. */}
      <div
        ref={menu}
        id={id}
        popover="auto"
        onClick={() => menu.current?.hidePopover?.()}
        className="max-sm:inset-x-0 max-sm:top-auto max-sm:bottom-0 max-sm:m-0 max-sm:w-full max-sm:max-w-none max-sm:border-t max-sm:border-line max-sm:bg-surface max-sm:p-2 max-sm:pb-[max(0.5rem,env(safe-area-inset-bottom))] max-sm:text-ink max-sm:shadow-lg sm:static sm:overflow-visible sm:m-0 sm:ml-auto sm:flex sm:w-auto sm:border-0 sm:bg-transparent sm:p-0 sm:text-ink max-sm:[&>*]:min-h-11 max-sm:[&>*]:w-full max-sm:[&>*]:justify-start"
      >
        {children}
      </div>
    </>
  );
}
