import { useSyncExternalStore } from 'react';
import { createPortal } from 'react-dom';
import { classNames } from './class-names.ts';

export type ToastTone = 'neutral' | 'failed';

interface Toast {
  readonly id: number;
  readonly message: string;
  readonly tone: ToastTone;
}

let toasts: readonly Toast[] = [];
let nextId = 1;
const listeners = new Set<() => void>();

function set(next: readonly Toast[]): void {
  toasts = next;
  for (const listener of listeners) listener();
}

/**
 * Says in a corner, and politely to screen readers, that something has happened. For what is good to know and
 * may be missed: errors belong beside their field or button. Stays 6 seconds, 10 when it failed.
 */
export function announce(message: string, tone: ToastTone = 'neutral'): void {
  const id = nextId++;
  // Not more than three at once: the oldest give way.
  set([...toasts, { id, message, tone }].slice(-3));
  setTimeout(() => set(toasts.filter((toast) => toast.id !== id)), tone === 'failed' ? 10_000 : 6_000);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The place where announcements appear; once per page, beside it, so that it speaks while a dialog is open too. */
export function Toaster() {
  const shown = useSyncExternalStore(subscribe, () => toasts);
  return createPortal(
    <output
      aria-live="polite"
      className="pointer-events-none fixed inset-x-4 bottom-4 z-60 flex flex-col items-end gap-2"
    >
      {shown.map((toast) => (
        <span
          key={toast.id}
          className={classNames(
            'max-w-md rounded-md border bg-surface px-3 py-2 text-sm shadow-lg wrap-anywhere',
            // What failed can be marked and copied by hand; what went well lets clicks through.
            toast.tone === 'failed' ? 'pointer-events-auto border-failed text-failed' : 'border-line-strong',
          )}
        >
          {toast.message}
        </span>
      ))}
    </output>,
    document.body,
  );
}
