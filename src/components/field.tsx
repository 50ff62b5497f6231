import { CircleAlert } from 'lucide-react';
import { type ComponentProps, type ReactNode, useId } from 'react';
import { classNames } from './class-names.ts';
import { shownNode, UserText } from './user-text.tsx';

/** Attributes that tie a control to its field: spread them on `Input`, `Textarea` or `Select`. */
export interface FieldControl {
  readonly id: string;
  readonly 'aria-describedby': string | undefined;
  readonly 'aria-invalid': boolean | undefined;
  readonly 'aria-required': boolean | undefined;
}

export interface FieldProps {
  readonly label: string;
  readonly hint?: ReactNode;
  /** What is wrong with the value and how to fix it. */
  readonly error?: string | undefined;
  /** Marked by a star, which the form explains. */
  readonly required?: boolean;
  /** Says so beside the label. */
  readonly optional?: boolean;
  readonly children: (control: FieldControl) => ReactNode;
  readonly className?: string;
}

/**
 * A label, its control, a hint and an error, tied together for screen readers. `aria-required` instead of `required`
 * keeps the browser's own messages away.
 */
export function Field({ label, hint, error, required, optional, children, className }: FieldProps) {
  const id = useId();
  const hintId = hint ? `${id}-hint` : null;
  const optionalId = optional ? `${id}-optional` : null;
  const errorId = error ? `${id}-error` : null;
  return (
    <div className={classNames('flex min-w-0 flex-col gap-1', className)}>
      <div className="flex flex-wrap items-baseline justify-between gap-x-2">
        <label htmlFor={id} className="text-sm font-medium">
          <UserText>{label}</UserText>
        </label>
        {/* Outside the label, whose text is the field's name. */}
        {required && (
          <span aria-hidden className="-ml-1 mr-auto">
            *
          </span>
        )}
        {optionalId && (
          <span id={optionalId} className="text-xs text-muted">
            optional
          </span>
        )}
      </div>
      {children({
        id,
        'aria-describedby': [optionalId, hintId, errorId].filter(Boolean).join(' ') || undefined,
        'aria-invalid': error ? true : undefined,
        'aria-required': required || undefined,
      })}
      {hintId && (
        <div id={hintId} className="text-xs text-muted wrap-anywhere">
          {shownNode(hint)}
        </div>
      )}
      {errorId && (
        <div id={errorId} className="flex items-start gap-1 text-xs text-failed wrap-anywhere">
          <CircleAlert aria-hidden size={14} className="mt-px shrink-0" />
          <UserText>{sentence(error)}</UserText>
        </div>
      )}
    </div>
  );
}

/** The contract's problems begin in lower case (`must be…`, `is taken`), because a field's name may precede them. */
function sentence(problem: string | undefined): string | undefined {
  return problem?.replace(/^(?:must|is)\b/, (verb) => verb.charAt(0).toUpperCase() + verb.slice(1));
}

/** Browsers on phones zoom into a focused field with text under 16 px. */
const control =
  'w-full min-w-0 rounded-md border border-line-strong bg-surface px-2.5 py-1 text-sm text-ink max-sm:text-base pointer-coarse:min-h-11 aria-invalid:border-failed disabled:opacity-60';

export function Input({ className, ...rest }: ComponentProps<'input'>) {
  return (
    <input
      {...rest}
      className={classNames(control, 'min-h-8 read-only:bg-sunken read-only:text-muted', className)}
    />
  );
}

export function Textarea({ className, rows = 2, ...rest }: ComponentProps<'textarea'>) {
  return <textarea {...rest} rows={rows} className={classNames(control, className)} />;
}

export function Select({ className, ...rest }: ComponentProps<'select'>) {
  return <select {...rest} className={classNames(control, 'min-h-8', className)} />;
}
