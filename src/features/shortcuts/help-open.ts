import { useSyncExternalStore } from 'react';

let isOpen = false;
const listeners = new Set<() => void>();

/** Opens or closes the keyboard help, from anywhere on the page. */
export function showKeys(open = true): void {
  isOpen = open;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useKeysOpen(): boolean {
  return useSyncExternalStore(subscribe, () => isOpen);
}
