import { CircleAlert, WifiOff } from 'lucide-react';
import type { ReactNode } from 'react';
import { Button } from './button.tsx';
import { Spinner } from './spinner.tsx';

/** While something is on its way for the first time. */
export function Loading({ label = 'Loading…' }: { readonly label?: string }) {
  return (
    <div role="status" className="flex items-center gap-2 p-4 text-sm text-muted">
      <Spinner />
      {label}
    </div>
  );
}

/** A list that holds nothing: says so, and what could be done about it. */
export function Empty({ title, children }: { readonly title: string; readonly children?: ReactNode }) {
  return (
    <div className="px-4 py-8 text-center text-sm">
      <p className="font-medium">{title}</p>
      {children && <div className="mt-1 text-muted">{children}</div>}
    </div>
  );
}

export interface FailedProps {
  /** What was asked for, as in "The policies could not be loaded." */
  readonly title: string;
  /** Why not, from `describeError`. */
  readonly message: string;
  readonly onRetry?: () => void;
  readonly retrying?: boolean;
}

/** Something that could not be loaded, with the reason and a way to try again. */
export function Failed({ title, message, onRetry, retrying }: FailedProps) {
  return (
    <div role="alert" className="flex flex-col items-start gap-2 p-4 text-sm">
      <p className="flex items-center gap-1.5 font-medium text-failed">
        <CircleAlert aria-hidden size={16} className="shrink-0" />
        {title}
      </p>
      <p className="wrap-anywhere">{message}</p>
      {onRetry && (
        <Button onClick={onRetry} pending={retrying ?? false}>
          Try again
        </Button>
      )}
    </div>
  );
}

/** Why an action did not happen, beside its button. Read out when it appears. */
export function ActionError({ children }: { readonly children: ReactNode }) {
  return (
    <div role="alert" className="flex items-start gap-1.5 text-sm text-failed wrap-anywhere">
      {children && <CircleAlert aria-hidden size={16} className="mt-0.5 shrink-0" />}
      <div className="min-w-0">{children}</div>
    </div>
  );
}

export interface StaleBarProps {
  /** When what is shown was last known to be true; null while it still is. */
  readonly since: Date | null;
  readonly onRetry?: () => void;
  readonly retrying?: boolean;
}

/** Polling fails: what is shown stays, and this says that it is out of date and since when. */
export function StaleBar({ since, onRetry, retrying }: StaleBarProps) {
  return (
    // The live region is always there, so that its filling is announced; while empty it takes no place in a column.
    <div role="status" className="empty:absolute">
      {since && (
        <div className="flex flex-wrap items-center gap-2 rounded-md bg-waiting-soft px-3 py-1.5 text-sm text-waiting">
          <WifiOff aria-hidden size={15} className="shrink-0" />
          <span>
            Out of date since <time dateTime={since.toISOString()}>{since.toLocaleTimeString()}</time>: the
            server does not answer. It is asked again by itself.
          </span>
          {onRetry && (
            <Button onClick={onRetry} pending={retrying ?? false}>
              Try now
            </Button>
          )}
        </div>
      )}
    </div>
  );
}
