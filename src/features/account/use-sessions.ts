import { useMutation } from '@connectrpc/connect-query';
import { paths } from '#src/config/paths.ts';
import { SessionService } from '#src/gen/forest/v1/sessions_pb.ts';
import { UsersService } from '#src/gen/forest/v1/users_pb.ts';
import { claimDrafts } from '#src/lib/draft.ts';
import { useInvalidate } from '#src/lib/use-invalidate.ts';

const { listSessions, endSession, signOutEverywhere, signOut } = SessionService.method;

/** Ending sessions, and changing the password, which ends the other ones. */
export function useSessionMutations() {
  const invalidate = useInvalidate();
  const onSuccess = () => invalidate(listSessions);
  return {
    end: useMutation(endSession, { onSuccess }),
    endOthers: useMutation(signOutEverywhere, { onSuccess }),
    endAll: useMutation(signOutEverywhere, { onSuccess: leave }),
    endThis: useMutation(signOut, { onSuccess: leave }),
    changePassword: useMutation(UsersService.method.changePassword, { onSuccess }),
  };
}

/** Loads a new page, so that nothing of this user stays in memory. */
function leave(): void {
  claimDrafts(undefined);
  window.location.assign(paths.signIn());
}
