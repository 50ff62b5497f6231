import { create } from '@bufbuild/protobuf';
import { paths } from '#src/config/paths.ts';
import { GetSessionResponseSchema } from '#src/gen/forest/v1/sessions_pb.ts';
import { keepDrafts } from '#src/lib/draft.ts';
import { sessionKey } from '#src/lib/session.ts';
import type { AppRouter } from './router.tsx';
import type { Services } from './services.ts';
import type { SignInState } from './sign-in-state.ts';

/**
 * Called when the session has ended: keeps drafts and the address, and opens sign-in, which returns to it. Several requests
 * may call it at once; only the first has an effect. Before the session was first loaded, `requireSession` decides.
 */
export function leaveForSignIn({ queryClient, transport }: Services, router: AppRouter): void {
  const session = sessionKey(transport);
  if (!queryClient.getQueryData(session)) return;
  const target = router.state.navigation.location ?? router.state.location;
  if (target.pathname === paths.signIn()) return;
  keepDrafts(queryClient.getQueryData(session)?.session?.user?.userId);
  queryClient.setQueryData(session, create(GetSessionResponseSchema));
  const state: SignInState = { sessionEnded: true };
  void router.navigate(paths.signIn(target.pathname + target.search + target.hash), { replace: true, state });
}
