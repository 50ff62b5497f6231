import { VISIBLE_INTERVAL } from './poll-interval.ts';

/** Time between two polls of a hidden page, in milliseconds. */
const HIDDEN_INTERVAL = 30_000;

interface PolledQuery<Answer> {
  readonly state: { readonly data: Answer | undefined };
}

/**
 * The query options for polling: every `visible` milliseconds, which may depend on the last answer, every 30 s while the
 * window is hidden, and not at all once `ended` is true for the last answer (undefined before the first). Returning to the
 * window polls immediately.
 */
export function polling<Answer>(
  ended: (answer: Answer | undefined) => boolean,
  visible: number | ((answer: Answer | undefined) => number) = VISIBLE_INTERVAL,
) {
  const unlessEnded = (query: PolledQuery<Answer>) => (ended(query.state.data) ? false : ('always' as const));
  return {
    refetchInterval: (query: PolledQuery<Answer>): number | false => {
      if (ended(query.state.data)) return false;
      if (document.visibilityState === 'hidden') return HIDDEN_INTERVAL;
      return typeof visible === 'number' ? visible : visible(query.state.data);
    },
    refetchIntervalInBackground: true,
    refetchOnWindowFocus: unlessEnded,
    refetchOnReconnect: unlessEnded,
  };
}

/**
 * When the shown data was loaded, if loading it again fails; null while it succeeds or there is no data. Reads
 * `dataUpdatedAt`, which changes with every poll, only after a failure, so that polls without changes render nothing.
 */
export function staleSince(query: {
  readonly isError: boolean;
  readonly failureCount: number;
  readonly dataUpdatedAt: number;
}): Date | null {
  const failing = query.isError || query.failureCount > 0;
  return failing && query.dataUpdatedAt > 0 ? new Date(query.dataUpdatedAt) : null;
}
