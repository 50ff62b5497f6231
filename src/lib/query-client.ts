import { QueryClient } from '@tanstack/react-query';
import { isServerAway, retryAfter } from './errors.ts';

/**
 * React Query for the dashboard. A read is retried twice if the server is unavailable or limits the rate; a refusal is
 * shown immediately. Writes are never retried.
 */
export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        // The page must not load again what its loader has just loaded.
        staleTime: 5_000,
        retry: (failures, error) => failures < 2 && (isServerAway(error) || retryAfter(error) !== null),
        retryDelay: (attempt, error) => (retryAfter(error) ?? Math.min(0.5 * 2 ** attempt, 5)) * 1_000,
        // The browser's offline state does not apply to a server on the same machine or network.
        networkMode: 'always',
      },
      mutations: { retry: false, networkMode: 'always' },
    },
  });
}
