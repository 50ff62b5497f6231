import { QueryClient } from '@tanstack/react-query';
import { isServerAway, retryAfter } from './errors.ts';

/**
 * React Query for the dashboard. Only a server that does not answer, or that says when to ask again, is asked
 * again by itself (twice); what it refuses is shown at once. What a loader has just fetched counts as fresh for five seconds, so that the page
 * does not fetch it a second time while it mounts.
 */
export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        retry: (failures, error) => failures < 2 && (isServerAway(error) || retryAfter(error) !== null),
        retryDelay: (attempt, error) => (retryAfter(error) ?? Math.min(0.5 * 2 ** attempt, 5)) * 1_000,
        // Being offline as the browser sees it says little about a server on the same machine or network.
        networkMode: 'always',
      },
      mutations: { retry: false, networkMode: 'always' },
    },
  });
}
