import { useSyncExternalStore } from 'react';
import { offKey, singleKeysOn } from './shortcuts.ts';

const listeners = new Set<() => void>();

/** Enables or disables single-key shortcuts in this browser. */
export function switchSingleKeys(on: boolean): void {
  if (on) localStorage.removeItem(offKey);
  else localStorage.setItem(offKey, '1');
  for (const listener of listeners) listener();
}

/** `singleKeysOn` as React state. */
export function useSingleKeysOn(): boolean {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, singleKeysOn);
}
