import { useMutation } from '@connectrpc/connect-query';
import { announce } from '#src/components/toast.tsx';
import { SessionService } from '#src/gen/forest/v1/sessions_pb.ts';
import { claimDrafts } from '#src/lib/draft.ts';
import { describeError } from '#src/lib/errors.ts';

/** Signs the user out and opens `to`. */
export function useSignOut(to: string) {
  const signOut = useMutation(SessionService.method.signOut, {
    onSuccess: () => {
      claimDrafts(undefined);
      // A new page, so that nothing of this user stays in memory.
      window.location.assign(to);
    },
    onError: (error) => announce(`Couldn't sign out. ${describeError(error).message}`, 'failed'),
  });
  return { signOut: () => signOut.mutate({}), isPending: signOut.isPending };
}
