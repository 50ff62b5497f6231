import type { ComponentProps, MouseEvent } from 'react';
import { classNames } from './class-names.ts';
import { Spinner } from './spinner.tsx';

/** `text` is for actions in rows. `reject` and `danger` belong in dialogs and to **Reject**. */
export type ButtonVariant = 'primary' | 'approve' | 'reject' | 'danger' | 'quiet' | 'text';

const looks: Record<ButtonVariant, string> = {
  primary: 'border-transparent bg-ink text-canvas hover:bg-ink/85',
  approve: 'border-transparent bg-passed-strong text-white hover:brightness-90',
  reject: 'border-failed bg-surface text-failed hover:bg-failed-soft',
  danger: 'border-transparent bg-failed-strong text-white hover:brightness-90',
  quiet: 'border-line-strong bg-surface text-ink hover:bg-sunken',
  text: 'border-transparent text-ink hover:bg-sunken',
};

/** The classes of a button, for links that look like one. */
export function buttonLook(variant: ButtonVariant = 'quiet'): string {
  return classNames(
    'inline-flex min-h-8 pointer-coarse:min-h-11 items-center justify-center gap-1.5 rounded-md border px-3 py-1 text-sm font-medium',
    'cursor-pointer no-underline aria-disabled:cursor-default aria-disabled:not-aria-busy:opacity-60',
    'disabled:cursor-not-allowed disabled:opacity-60',
    looks[variant],
  );
}

export interface ButtonProps extends ComponentProps<'button'> {
  readonly variant?: ButtonVariant;
  /** While its action is in progress: shows a spinner, sets `aria-busy`, ignores clicks, and keeps the focus. */
  readonly pending?: boolean;
}

/** A button. Its type defaults to `button`, so that none submits a form by accident. */
export function Button({
  variant = 'quiet',
  pending = false,
  type = 'button',
  className,
  onClick,
  children,
  ...rest
}: ButtonProps) {
  const click = (event: MouseEvent<HTMLButtonElement>) => {
    // Not `disabled`, which would take the focus from a keyboard user.
    if (pending) event.preventDefault();
    else onClick?.(event);
  };
  return (
    <button
      {...rest}
      type={type}
      className={classNames(buttonLook(variant), className)}
      aria-disabled={pending || rest['aria-disabled'] || undefined}
      aria-busy={pending || undefined}
      onClick={click}
    >
      {pending && <Spinner size={14} />}
      {children}
    </button>
  );
}
