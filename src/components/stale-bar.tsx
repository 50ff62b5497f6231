import { WifiOff } from 'lucide-react';
import { Button } from './button.tsx';
import { ShortTime } from './relative-time.tsx';

export interface StaleBarProps {
  /** When the data was loaded; null while polling succeeds. */
  readonly since: Date | null;
  readonly onRetry?: () => void;
  readonly retrying?: boolean;
}

/** Shown when polling fails: the data stays, with the time it was loaded. */
export function StaleBar({ since, onRetry, retrying }: StaleBarProps) {
  return (
    // Always rendered, so that screen readers announce new content; empty it takes no space in a column.
    <div role="status" className="empty:absolute">
      {since && (
        <div className="flex flex-wrap items-center gap-2 rounded-md bg-waiting-soft px-3 py-1.5 text-sm text-waiting">
          <WifiOff aria-hidden size={15} className="shrink-0" />
          <span>
            Can't reach the server. Showing data from <ShortTime value={since} />. Retrying…
          </span>
          {onRetry && (
            <Button onClick={onRetry} pending={retrying ?? false}>
              Retry now
            </Button>
          )}
        </div>
      )}
    </div>
  );
}

/** The same in a header that is there already, so that nothing moves. */
export function StaleNote({ since }: Pick<StaleBarProps, 'since'>) {
  return (
    <p role="status" className="min-w-0 text-xs text-waiting">
      {since && (
        <>
          Can't reach the server. Showing data from <ShortTime value={since} />. Retrying…
        </>
      )}
    </p>
  );
}
