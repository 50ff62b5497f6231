import { type ReactNode, useEffect, useRef } from 'react';

export interface FormProps {
  /**
   * What the last attempt found wrong: a new value for each attempt, null when nothing is. The focus then goes to
   * the first field that is marked invalid, or, when the fault is at no field, to the message beside the button.
   */
  readonly problems: object | null;
  readonly onSubmit: () => void;
  /** Names the form as a landmark, where a page has more than one. */
  readonly label?: string;
  readonly className?: string;
  readonly children: ReactNode;
}

/** A form whose errors are ours, not the browser's bubbles, and which leads to the first of them. */
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
      onSubmit={(event) => {
        event.preventDefault();
        // A form in a dialog stands in the page's tree of components: its submit must not reach a form around it.
        event.stopPropagation();
        onSubmit();
      }}
    >
      {children}
    </form>
  );
}

/** What is wrong with a form as a whole. Takes the focus when no field is at fault. */
export function FormError({ children }: { readonly children: ReactNode }) {
  if (!children) return null;
  return (
    <div
      role="alert"
      tabIndex={-1}
      data-form-error
      className="rounded-md bg-failed-soft px-3 py-2 text-sm text-failed wrap-anywhere"
    >
      {children}
    </div>
  );
}
