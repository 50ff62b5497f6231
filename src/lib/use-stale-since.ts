import { type QueryClient, type QueryKey, useQueryClient } from '@tanstack/react-query';
import { useCallback, useSyncExternalStore } from 'react';

/**
 * Since when what these queries show is out of date, for `StaleBar`: the oldest answer among those whose last attempt
 * failed, in milliseconds since 1970; null while all of them are well. Other than reading the queries' own `dataUpdatedAt`,
 * this renders nothing anew for a poll that went well.
 */
export function useStaleSince(keys: readonly QueryKey[]): number | null {
  const client = useQueryClient();
  const subscribe = useCallback(
    (listener: () => void) => client.getQueryCache().subscribe(listener),
    [client],
  );
  return useSyncExternalStore(subscribe, () => staleSinceOf(client, keys));
}

function staleSinceOf(client: QueryClient, keys: readonly QueryKey[]): number | null {
  const failing = keys.flatMap((key) => {
    const state = client.getQueryState(key);
    const failed = state && (state.status === 'error' || state.fetchFailureCount > 0);
    return failed && state.dataUpdatedAt > 0 ? [state.dataUpdatedAt] : [];
  });
  return failing.length === 0 ? null : Math.min(...failing);
}
