import { useSyncExternalStore } from 'react';
import { createPortal } from 'react-dom';
import { classNames } from './class-names.ts';
import { UserText } from './user-text.tsx';

export type ToastTone = 'neutral' | 'failed';

interface Toast {
  readonly id: number;
  readonly message: string;
  readonly tone: ToastTone;
}

const MAX_TOASTS = 3;
let toasts: readonly Toast[] = [];
let nextId = 1;
const listeners = new Set<() => void>();

function set(next: readonly Toast[]): void {
  toasts = next;
  for (const listener of listeners) listener();
}

/**
 * Shows a message in the corner and announces it to screen readers, for news that may be missed: errors belong beside
 * their field or button. Visible for 6 seconds, or 10 for a failure.
 */
export function announce(message: string, tone: ToastTone = 'neutral'): void {
  const id = nextId++;
  set([...toasts, { id, message, tone }].slice(-MAX_TOASTS));
  setTimeout(() => set(toasts.filter((toast) => toast.id !== id)), tone === 'failed' ? 10_000 : 6_000);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Shows the messages; once per page, outside of the root that an open dialog makes inert. */
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
            // Failures can be selected and copied; other messages let clicks through.
            toast.tone === 'failed' ? 'pointer-events-auto border-failed text-failed' : 'border-line-strong',
          )}
        >
          <UserText>{toast.message}</UserText>
        </span>
      ))}
    </output>,
    document.body,
  );
}
