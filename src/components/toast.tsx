import { X } from 'lucide-react';
import { createPortal } from 'react-dom';
import { sharedValue } from '#src/lib/shared-value.ts';
import { classNames } from './class-names.ts';
import { IconButton } from './icon-button.tsx';
import { UserText } from './user-text.tsx';

export type ToastTone = 'neutral' | 'failed';

interface ToastAction {
  readonly label: string;
  readonly run: () => void;
}

interface Toast {
  readonly id: number;
  readonly message: string;
  readonly tone: ToastTone;
  readonly action?: ToastAction | undefined;
}

const MAX_TOASTS = 3;
const toasts = sharedValue<readonly Toast[]>([]);
let nextId = 1;

/**
 * Shows a message in the corner for 8 seconds and announces it to screen readers, for news that may be missed: errors belong
 * beside their field or button. `failed` is for those without a place on the page. `action`: **Undo**, which must also be
 * possible elsewhere on the page.
 */
export function announce(message: string, tone: ToastTone = 'neutral', action?: ToastAction): void {
  const id = nextId++;
  toasts.set([...toasts.get(), { id, message, tone, action }].slice(-MAX_TOASTS));
  setTimeout(dismiss, 8_000, id);
}

const dismiss = (id: number) => toasts.set(toasts.get().filter((toast) => toast.id !== id));

/** Shows the messages; once per page, outside of the root that an open dialog makes inert. */
export function Toaster() {
  const shown = toasts.useValue();
  return createPortal(
    <output
      aria-live="polite"
      // For a dialog this is no click outside, which would close it.
      onPointerDown={(event) => event.stopPropagation()}
      // Above the bar at the bottom of a phone, which sets its height as --bar.
      className="pointer-events-none fixed print:hidden bottom-[calc(var(--bar,0px)+1rem)] left-4 z-60 flex w-96 max-w-[calc(100vw-2rem)] flex-col items-start gap-2"
    >
      {shown.map((toast) => (
        <span
          key={toast.id}
          className={classNames(
            'flex max-w-full items-start gap-1 rounded-md border bg-surface py-1 pl-3 text-sm shadow-lg',
            // Failures can be selected and copied; other messages let clicks through.
            toast.tone === 'failed' ? 'pointer-events-auto border-failed text-failed' : 'border-line-strong',
          )}
        >
          <span className="min-w-0 py-1 wrap-anywhere">
            <UserText>{toast.message}</UserText>
          </span>
          {toast.action && (
            <button
              type="button"
              className="pointer-events-auto min-h-7 cursor-pointer rounded px-2 font-medium underline underline-offset-2 pointer-coarse:min-h-11"
              onClick={() => {
                dismiss(toast.id);
                toast.action?.run();
              }}
            >
              {toast.action.label}
            </button>
          )}
          <IconButton
            label="Dismiss"
            className="pointer-events-auto shrink-0"
            onClick={() => dismiss(toast.id)}
          >
            <X aria-hidden size={16} />
          </IconButton>
        </span>
      ))}
    </output>,
    document.body,
  );
}
