import type { QueryClient } from '@tanstack/react-query';
import { claimDrafts } from '#src/lib/draft.ts';

/** After signing in or out: nothing of an earlier user stays in memory, and no kept draft of another's. */
export function forgetOtherUsers(queryClient: QueryClient, userId: string | undefined): void {
  queryClient.clear();
  claimDrafts(userId);
}
