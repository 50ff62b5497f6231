import { useLayoutEffect, useRef } from 'react';

/** The action of a key; `repeats` lets it repeat while the key is held down. */
export interface Shortcut {
  readonly run: () => void;
  readonly repeats?: boolean;
}

/** The key of the browser's storage under which they are off. */
export const offKey = 'forage.single-keys-off';

/** Whether single-key shortcuts are enabled. People who dictate or press keys by accident can disable them. */
export function singleKeysOn(): boolean {
  return localStorage.getItem(offKey) === null;
}

/** Whether the target is a field that takes keys as input. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement)
    return !['checkbox', 'radio', 'button', 'submit'].includes(target.type);
  return (
    target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement
  );
}

/** Whether a dialog is open. */
export function isDialogOpen(): boolean {
  return document.querySelector('[data-backdrop]') !== null;
}

/** The key as on a Latin layout: on a Greek or Cyrillic one, the letter at its place, whose code is `KeyA`. */
export const latinKey = ({ key, code }: KeyboardEvent): string =>
  key.length === 1 && key > '~' ? code.slice(3) : key;

/** Whether a single key may act: not while typing, with a modifier, or behind a dialog. */
export function mayAct(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.isComposing) return false;
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  return singleKeysOn() && !isTyping(event.target) && !isDialogOpen();
}

/**
 * Calls the function for each key pressed on the page while the component is mounted, from the moment it is shown: an
 * ordinary effect runs later, and a key pressed before would be lost.
 */
export function usePageKeys(onKeyDown: (event: KeyboardEvent) => void): void {
  const latest = useRef(onKeyDown);
  useLayoutEffect(() => {
    latest.current = onKeyDown;
  });
  useLayoutEffect(() => {
    const listener = (event: KeyboardEvent) => latest.current(event);
    document.addEventListener('keydown', listener);
    return () => document.removeEventListener('keydown', listener);
  }, []);
}

/** Binds single keys (`j`, `?`) to actions while the component is mounted. */
export function useShortcuts(shortcuts: Readonly<Record<string, Shortcut>>): void {
  usePageKeys((event) => {
    const key = event.shiftKey ? latinKey(event) : latinKey(event).toLowerCase();
    const shortcut = Object.hasOwn(shortcuts, key) ? shortcuts[key] : undefined;
    if (!shortcut || !mayAct(event) || (event.repeat && !shortcut.repeats)) return;
    // Else the action's newly focused field would receive the letter.
    event.preventDefault();
    shortcut.run();
  });
}
