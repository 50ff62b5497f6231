import type { KeyboardEvent } from 'react';

/** Whether the key sends what is typed in: Ctrl+Enter or ⌘+Enter. Enter alone begins a new line, and no single key sends. */
export function isSendKey(event: KeyboardEvent): boolean {
  return event.key === 'Enter' && (event.ctrlKey || event.metaKey) && !event.nativeEvent.isComposing;
}

const isApple = /Mac|iP(?:hone|ad|od)/.test(navigator.userAgent);

/** The key cap in the button that the key presses. Not part of the button's name, and not shown on touch screens. */
export function SendKey() {
  return (
    <kbd aria-hidden className="rounded border border-current px-1 font-sans text-xs pointer-coarse:hidden">
      {isApple ? '⌘' : 'Ctrl'} ⏎
    </kbd>
  );
}
