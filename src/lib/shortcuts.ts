import { useEffect, useRef, useSyncExternalStore } from 'react';

/** What one key does; `repeats` while it is held down. */
export interface Shortcut {
  readonly run: () => void;
  readonly repeats?: boolean;
}

const offKey = 'forage.single-keys-off';
const listeners = new Set<() => void>();

/** Whether keys without a modifier act at all; people who dictate, or whose hands press keys by accident, switch them off. */
export function singleKeysOn(): boolean {
  return localStorage.getItem(offKey) === null;
}

/** Switches them, for this browser. */
export function switchSingleKeys(on: boolean): void {
  if (on) localStorage.removeItem(offKey);
  else localStorage.setItem(offKey, '1');
  for (const listener of listeners) listener();
}

/** The switch, for the screen that shows it. */
export function useSingleKeysOn(): boolean {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, singleKeysOn);
}

/** Whether somebody writes or chooses at this place, so that every key is theirs. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement)
    return !['checkbox', 'radio', 'button', 'submit'].includes(target.type);
  return (
    target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement
  );
}

/** Whether a dialog stands over the page: its sheet says so. */
export function isDialogOpen(): boolean {
  return document.querySelector('[data-backdrop]') !== null;
}

/** Whether a key without a modifier may act: not while somebody types, not with a modifier, not behind a dialog. */
export function mayAct(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.isComposing) return false;
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  return singleKeysOn() && !isTyping(event.target) && !isDialogOpen();
}

/** Keys without a modifier (`j`, `?`) and what they do while the component is mounted. */
export function useShortcuts(shortcuts: Readonly<Record<string, Shortcut>>): void {
  const latest = useRef(shortcuts);
  useEffect(() => {
    latest.current = shortcuts;
  });
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      const key = event.shiftKey ? event.key : event.key.toLowerCase();
      const shortcut = Object.hasOwn(latest.current, key) ? latest.current[key] : undefined;
      if (!shortcut || !mayAct(event) || (event.repeat && !shortcut.repeats)) return;
      // Else the letter would be typed into the field that the action may have focused.
      event.preventDefault();
      shortcut.run();
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, []);
}
