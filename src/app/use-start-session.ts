import { create } from '@bufbuild/protobuf';
import { useTransport } from '@connectrpc/connect-query';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from 'react-router';
import {
  type GetSessionResponse,
  GetSessionResponseSchema,
  type Session,
} from '#src/gen/forest/v1/sessions_pb.ts';
import { claimDrafts } from '#src/lib/draft.ts';
import { sessionKey } from '#src/lib/session.ts';

/** Starts a session in the page: removes all data of an earlier user and navigates to a safe path of this site. */
export function useStartSession(next: (session: Session) => string): (session: Session) => void {
  const queryClient = useQueryClient();
  const transport = useTransport();
  const navigate = useNavigate();
  return (session) => {
    // Properties of the server, which do not depend on the user.
    const known = queryClient.getQueryData<GetSessionResponse>(sessionKey(transport));
    const { providers, passwordsOff, registrationOpen, tokenMaxDays } = known ?? {};
    queryClient.clear();
    claimDrafts(session.user?.userId);
    const answer = create(GetSessionResponseSchema, {
      session,
      providers,
      passwordsOff,
      registrationOpen,
      tokenMaxDays,
    });
    queryClient.setQueryData(sessionKey(transport), answer);
    void navigate(next(session), { replace: true });
  };
}
