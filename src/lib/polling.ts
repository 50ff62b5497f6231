/** How often what can still change is asked for again, in milliseconds. */
export const pollingSteps = { visible: 2_000, hidden: 30_000 } as const;

/**
 * The `refetchInterval` of a query. `ended` looks at what the query last answered (undefined before the first
 * answer): once it says that nothing can change any more, polling stops.
 *
 * Use it together with `refetchIntervalInBackground: true`, else React Query does not ask at all while the
 * window is hidden; `polling` below gives both.
 */
export function pollUntil<Answer>(
  ended: (answer: Answer | undefined) => boolean,
  visible: number = pollingSteps.visible,
) {
  return (query: { readonly state: { readonly data: Answer | undefined } }): number | false => {
    if (ended(query.state.data)) return false;
    return document.visibilityState === 'hidden' ? pollingSteps.hidden : visible;
  };
}

/** The query options for polling: every `visible` ms (2 s), every 30 s while hidden, not at all once `ended`. */
export function polling<Answer>(ended: (answer: Answer | undefined) => boolean, visible?: number) {
  const atOnce = (query: { readonly state: { readonly data: Answer | undefined } }) =>
    ended(query.state.data) ? false : ('always' as const);
  return {
    refetchInterval: pollUntil(ended, visible),
    refetchIntervalInBackground: true,
    // Coming back to the window, or to the network, looks at once instead of after the rest of a long step.
    refetchOnWindowFocus: atOnce,
    refetchOnReconnect: atOnce,
  };
}

/**
 * Since when what a query shows is out of date, for `StaleBar`: null while its last attempt succeeded, or while
 * there is nothing yet.
 */
export function staleSince(query: {
  readonly isError: boolean;
  readonly failureCount: number;
  readonly dataUpdatedAt: number;
}): Date | null {
  const failing = query.isError || query.failureCount > 0;
  return failing && query.dataUpdatedAt > 0 ? new Date(query.dataUpdatedAt) : null;
}
