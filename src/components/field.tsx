import { CircleAlert } from 'lucide-react';
import { type ComponentProps, type ReactNode, useId } from 'react';
import { classNames } from './class-names.ts';

/** What a control takes over from its field: spread it on `Input`, `Textarea` or `Select`. */
export interface FieldControl {
  readonly id: string;
  readonly 'aria-describedby': string | undefined;
  readonly 'aria-invalid': boolean | undefined;
  readonly 'aria-required': boolean | undefined;
}

export interface FieldProps {
  readonly label: string;
  readonly hint?: ReactNode;
  /** What is wrong with the value and how it can be mended. */
  readonly error?: string | undefined;
  readonly required?: boolean;
  readonly children: (control: FieldControl) => ReactNode;
  readonly className?: string;
}

/**
 * A label, its control, a hint and an error, tied together so that all of them are read out. Checks of the
 * browser are not used (`aria-required`, not `required`): errors stand at their field in our own words.
 */
export function Field({ label, hint, error, required, children, className }: FieldProps) {
  const id = useId();
  const hintId = hint ? `${id}-hint` : null;
  const errorId = error ? `${id}-error` : null;
  return (
    <div className={classNames('flex min-w-0 flex-col gap-1', className)}>
      <label htmlFor={id} className="text-sm font-medium">
        {label}
      </label>
      {children({
        id,
        'aria-describedby': [hintId, errorId].filter(Boolean).join(' ') || undefined,
        'aria-invalid': error ? true : undefined,
        'aria-required': required || undefined,
      })}
      {hintId && (
        <div id={hintId} className="text-xs text-muted wrap-anywhere">
          {hint}
        </div>
      )}
      {errorId && (
        <div id={errorId} className="flex items-start gap-1 text-xs text-failed wrap-anywhere">
          <CircleAlert aria-hidden size={14} className="mt-px shrink-0" />
          {error}
        </div>
      )}
    </div>
  );
}

const control =
  'w-full min-w-0 rounded-md border border-line-strong bg-surface px-2.5 py-1 text-sm text-ink aria-invalid:border-failed disabled:opacity-60';

/** A line of text. */
export function Input({ className, ...rest }: ComponentProps<'input'>) {
  return (
    <input
      {...rest}
      className={classNames(control, 'min-h-8 read-only:bg-sunken read-only:text-muted', className)}
    />
  );
}

/** Several lines of text. */
export function Textarea({ className, rows = 2, ...rest }: ComponentProps<'textarea'>) {
  return <textarea {...rest} rows={rows} className={classNames(control, className)} />;
}

/** One of a few; the browser's own list, which every keyboard and reader knows. */
export function Select({ className, ...rest }: ComponentProps<'select'>) {
  return <select {...rest} className={classNames(control, 'min-h-8', className)} />;
}
