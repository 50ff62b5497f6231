import { createConnectQueryKey, useMutation, useTransport } from '@connectrpc/connect-query';
import { useQueryClient } from '@tanstack/react-query';
import { paths } from '#src/config/paths.ts';
import { SessionService } from '#src/gen/forest/v1/sessions_pb.ts';
import { claimDrafts } from '#src/lib/draft.ts';

/** Has the list of sessions loaded anew; done when it shows what is. */
export function useSessionsRefresh(): () => Promise<void> {
  const client = useQueryClient();
  const transport = useTransport();
  return () =>
    client.invalidateQueries({
      queryKey: createConnectQueryKey({
        schema: SessionService.method.listSessions,
        transport,
        cardinality: undefined,
      }),
    });
}

/** Ending sessions; each is done when the list shows it. */
export function useSessionWrites() {
  const onSuccess = useSessionsRefresh();
  return {
    end: useMutation(SessionService.method.endSession, { onSuccess }),
    endOthers: useMutation(SessionService.method.signOutEverywhere, { onSuccess }),
    endAll: useMutation(SessionService.method.signOutEverywhere, { onSuccess: leave }),
    endThis: useMutation(SessionService.method.signOut, { onSuccess: leave }),
  };
}

/** A whole new page: nothing of this user stays in memory. */
function leave(): void {
  claimDrafts(undefined);
  window.location.assign(paths.signIn());
}
