import { create } from '@bufbuild/protobuf';
import { useTransport } from '@connectrpc/connect-query';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from 'react-router';
import {
  type GetSessionResponse,
  GetSessionResponseSchema,
  type Session,
} from '#src/gen/forest/v1/sessions_pb.ts';
import { sessionKey } from '#src/lib/session.ts';
import { forgetOtherUsers } from './forget-other-users.ts';

/** Begins a session in the page: forgets whoever was there before, and goes to `next`, a safe path of this site. */
export function useStartSession(next: string): (session: Session) => void {
  const queryClient = useQueryClient();
  const transport = useTransport();
  const navigate = useNavigate();
  return (session) => {
    // What the server is like does not change by whoever signs in.
    const known = queryClient.getQueryData<GetSessionResponse>(sessionKey(transport));
    const { providers = [], passwordsOff = false, registrationOpen = false } = known ?? {};
    forgetOtherUsers(queryClient, session.user?.userId);
    const answer = create(GetSessionResponseSchema, { session, providers, passwordsOff, registrationOpen });
    queryClient.setQueryData(sessionKey(transport), answer);
    void navigate(next, { replace: true });
  };
}
