import { CircleAlert } from 'lucide-react';
import type { ReactNode } from 'react';
import { Button } from './button.tsx';
import { Spinner } from './spinner.tsx';
import { shownNode, UserText } from './user-text.tsx';

export function Loading({ label = 'Loading…' }: { readonly label?: string }) {
  return (
    <div role="status" className="flex items-center gap-2 p-4 text-sm text-muted">
      <Spinner />
      {label}
    </div>
  );
}

/** An empty list: what is missing, and the next step. */
export function Empty({ title, children }: { readonly title: string; readonly children?: ReactNode }) {
  return (
    <div className="px-4 py-8 text-center text-sm">
      <p className="font-medium">
        <UserText>{title}</UserText>
      </p>
      {children && <div className="mt-1 text-muted">{shownNode(children)}</div>}
    </div>
  );
}

export interface FailedProps {
  /** Such as "Couldn't load policies". */
  readonly title: string;
  /** The reason, from `describeError`. */
  readonly message: string;
  readonly onRetry?: () => void;
  readonly retrying?: boolean;
}

/** A failed load, with the reason and a retry button. */
export function Failed({ title, message, onRetry, retrying }: FailedProps) {
  return (
    <div role="alert" className="flex flex-col items-start gap-2 p-4 text-sm">
      <p className="flex items-center gap-1.5 font-medium text-failed">
        <CircleAlert aria-hidden size={16} className="shrink-0" />
        <UserText>{title}</UserText>
      </p>
      <p className="wrap-anywhere">
        <UserText>{message}</UserText>
      </p>
      {onRetry && (
        <Button onClick={onRetry} pending={retrying ?? false}>
          Try again
        </Button>
      )}
    </div>
  );
}

/** Why an action failed, beside its button; announced when it appears. */
export function ActionError({ children }: { readonly children: ReactNode }) {
  return (
    <div role="alert" className="flex items-start gap-1.5 text-sm text-failed wrap-anywhere">
      {children && <CircleAlert aria-hidden size={16} className="mt-0.5 shrink-0" />}
      <div className="min-w-0">{shownNode(children)}</div>
    </div>
  );
}
