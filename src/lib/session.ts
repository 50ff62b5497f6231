import type { Transport } from '@connectrpc/connect';
import { createConnectQueryKey, createQueryOptions, useTransport } from '@connectrpc/connect-query';
import { useQuery } from '@tanstack/react-query';
import { type GetSessionResponse, type Session, SessionService } from '#src/gen/forest/v1/sessions_pb.ts';

const schema = SessionService.method.getSession;

/** The query for the session. It never becomes stale; signing in or out and a refused request replace it. */
export function sessionQuery(transport: Transport) {
  return {
    ...createQueryOptions(schema, {}, { transport }),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: Number.POSITIVE_INFINITY,
  };
}

/** The cache key of the session. */
export function sessionKey(transport: Transport) {
  return createConnectQueryKey({ schema, input: {}, transport, cardinality: 'finite' });
}

/** The session; undefined while it is unknown and after signing out. */
export function useSession(): Session | undefined {
  const transport = useTransport();
  return useQuery({ ...sessionQuery(transport), select: sessionOf }).data;
}

function sessionOf(answer: GetSessionResponse): Session | undefined {
  return answer.session;
}

/** The user's role in the organisation: `member`, `admin`, or undefined for other users. */
export function roleIn(session: Session | undefined, organisation: string): string | undefined {
  return session?.memberships.find((membership) => membership.organisation === organisation)?.role;
}
