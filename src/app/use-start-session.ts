import { create } from '@bufbuild/protobuf';
import { useTransport } from '@connectrpc/connect-query';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from 'react-router';
import { GetSessionResponseSchema, type Session } from '#src/gen/forest/v1/sessions_pb.ts';
import { sessionKey } from '#src/lib/session.ts';
import { forgetOtherUsers } from './forget-other-users.ts';

/** Begins a session in the page: forgets whoever was there before, and goes to `next`, a safe path of this site. */
export function useStartSession(next: string): (session: Session) => void {
  const queryClient = useQueryClient();
  const transport = useTransport();
  const navigate = useNavigate();
  return (session) => {
    forgetOtherUsers(queryClient, session.user?.userId);
    queryClient.setQueryData(sessionKey(transport), create(GetSessionResponseSchema, { session }));
    void navigate(next, { replace: true });
  };
}
