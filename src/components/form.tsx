import { type ReactNode, useEffect, useRef } from 'react';
import { isSendKey } from './send-key.tsx';
import { shownNode } from './user-text.tsx';

export interface FormProps {
  /**
   * Problems of the last attempt: a new object for each failed attempt, else null. The focus then moves to the first
   * invalid field, or to the message of the whole form.
   */
  readonly problems: object | null;
  readonly onSubmit: () => void;
  /** Names the form as a landmark on a page with several. */
  readonly label?: string;
  readonly className?: string;
  readonly children: ReactNode;
}

/**
 * A form with its own error messages instead of the browser's; it moves the focus to the first of them. Ctrl+Enter submits it from
 * any field; Enter in a text area is a new line.
 */
export function Form({ problems, onSubmit, label, className, children }: FormProps) {
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (!problems) return;
    const first = form.current?.querySelector<HTMLElement>('[aria-invalid="true"], [data-form-error]');
    first?.focus();
  }, [problems]);
  return (
    <form
      ref={form}
      noValidate
      aria-label={label}
      className={className}
      onKeyDown={(event) => {
        if (!isSendKey(event)) return;
        event.preventDefault();
        event.stopPropagation();
        event.currentTarget.requestSubmit();
      }}
      onSubmit={(event) => {
        event.preventDefault();
        // React events bubble through portals: a form in a dialog must not submit the form that opened it.
        event.stopPropagation();
        onSubmit();
      }}
    >
      <RequiredLegend />
      {children}
    </form>
  );
}

/** Explains the star of required fields, in a form that has some, or has them behind a click. Screen readers say it of each field. */
export const RequiredLegend = () => (
  <p
    aria-hidden
    className="hidden text-xs text-muted in-[form:has([aria-required],[data-has-required])]:block"
  >
    * required
  </p>
);

/** A problem of the whole form. Gets the focus when no field is invalid. */
export function FormError({ children }: { readonly children: ReactNode }) {
  if (!children) return null;
  return (
    <div
      role="alert"
      tabIndex={-1}
      data-form-error
      className="rounded-md bg-failed-soft px-3 py-2 text-sm text-failed wrap-anywhere"
    >
      {shownNode(children)}
    </div>
  );
}
