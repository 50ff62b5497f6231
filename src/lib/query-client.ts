import { QueryClient } from '@tanstack/react-query';
import { isServerAway } from './errors.ts';

/**
 * React Query for the dashboard. Only a server that does not answer is asked again by itself (twice); what it
 * refuses is shown at once. What a loader has just fetched counts as fresh for five seconds, so that the page
 * does not fetch it a second time while it mounts.
 */
export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        retry: (failures, error) => failures < 2 && isServerAway(error),
        retryDelay: (attempt) => Math.min(500 * 2 ** attempt, 5_000),
        // Being offline as the browser sees it says little about a server on the same machine or network.
        networkMode: 'always',
      },
      mutations: { retry: false, networkMode: 'always' },
    },
  });
}
