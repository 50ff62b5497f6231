import { create } from '@bufbuild/protobuf';
import { paths } from '#src/config/paths.ts';
import { GetSessionResponseSchema } from '#src/gen/forest/v1/sessions_pb.ts';
import { keepDrafts } from '#src/lib/draft.ts';
import { sessionKey } from '#src/lib/session.ts';
import type { AppRouter } from './router.tsx';
import type { Services } from './services.ts';

/**
 * The session ended in mid-work: keeps what was typed, remembers the address, and leads to sign-in, which leads
 * back. Several requests may find out at once; the first one moves, the others see that it is done. Before the first
 * answer about the session there is nothing to leave: `requireSession` is about to decide.
 */
export function leaveForSignIn({ queryClient, transport }: Services, router: AppRouter): void {
  const session = sessionKey(transport);
  if (!queryClient.getQueryData(session)) return;
  const target = router.state.navigation.location ?? router.state.location;
  if (target.pathname === paths.signIn()) return;
  keepDrafts(queryClient.getQueryData(session)?.session?.user?.userId);
  queryClient.setQueryData(session, create(GetSessionResponseSchema));
  void router.navigate(paths.signIn(target.pathname + target.search + target.hash), { replace: true });
}
