import { lazy, type ReactNode, Suspense } from 'react';
import { Countdown } from '#src/components/countdown.tsx';
import { ReleaseIntentStatus } from '#src/gen/forest/v1/releases_pb.ts';
import { preloaded } from '#src/lib/after-load.ts';
import type { EndedLineProps } from './ended-line.tsx';
import { Sentence } from './sentence.tsx';
import { type ReleaseFacts, statusSentence } from './status-sentence.ts';

// Without its code the sentence is as short as while it is loaded.
const EndedLine = lazy(preloaded(() => import('./ended-line.tsx').catch(() => ({ default: ShortLine }))));

export interface StatusLineProps {
  readonly facts: ReleaseFacts;
  /** Since when the shown data is out of date because the server cannot be reached; null while it can. */
  readonly since: Date | null;
  readonly onRetry: () => void;
  /** What can be done about it. */
  readonly children?: ReactNode;
}

/**
 * The release's state in one sentence below the heading or, while the server is away, that it is away. Both have the same place, so
 * that nothing moves. Announced when it changes; the time left is not.
 */
export function StatusLine({ facts, since, onRetry, children }: StatusLineProps) {
  const { intent } = facts;
  const ended = intent && intent.status !== ReleaseIntentStatus.ACTIVE ? intent : undefined;
  const active = statusSentence(facts);
  return (
    <div className="flex min-h-11 flex-wrap content-start gap-x-1 py-1 text-sm sm:min-h-7">
      <div role="status" className="grid min-w-0 *:col-start-1 *:row-start-1">
        <div className={since ? 'invisible' : undefined}>
          {ended ? (
            <Suspense fallback={<ShortLine facts={facts} intent={ended} />}>
              <EndedLine facts={facts} intent={ended} />
            </Suspense>
          ) : (
            <Sentence {...active} />
          )}
        </div>
        {since && (
          <Sentence
            tone="waiting"
            text={`Can't reach the server. Showing data from ${since.toISOString()}. Retrying…`}
          >
            {' '}
            <button type="button" className="cursor-pointer font-medium underline" onClick={onRetry}>
              Retry now
            </button>
          </Sentence>
        )}
      </div>
      {active.until && !ended && !since && (
        <Countdown until={active.until} before="(" after=" left)" className="text-muted" />
      )}
      {children}
    </div>
  );
}

function ShortLine({ intent: { status } }: EndedLineProps) {
  if (status === ReleaseIntentStatus.FAILED) return <Sentence tone="failed" text="Failed." />;
  const text = status === ReleaseIntentStatus.SUCCEEDED ? 'Deployed.' : 'Cancelled.';
  return <Sentence tone="neutral" text={text} />;
}
