import { useSyncExternalStore } from 'react';

/** Undefined in a document without a window's size, which counts as wide. */
const wide = () => window.matchMedia?.('(min-width: 40rem)');

function subscribe(listener: () => void): () => void {
  const query = wide();
  query?.addEventListener('change', listener);
  return () => query?.removeEventListener('change', listener);
}

/** Whether the window is wider than a phone (Tailwind's `sm`), for contents that exist in one of two forms. */
export const useIsWide = (): boolean => useSyncExternalStore(subscribe, () => wide()?.matches ?? true);
