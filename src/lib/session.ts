import type { Transport } from '@connectrpc/connect';
import { createConnectQueryKey, createQueryOptions, useTransport } from '@connectrpc/connect-query';
import { useQuery } from '@tanstack/react-query';
import { type GetSessionResponse, type Session, SessionService } from '#src/gen/forest/v1/sessions_pb.ts';

const schema = SessionService.method.getSession;

/** The query for who is signed in. Good until something says otherwise: a refused request, signing in or out. */
export function sessionQuery(transport: Transport) {
  return {
    ...createQueryOptions(schema, {}, { transport }),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: Number.POSITIVE_INFINITY,
  };
}

/** Where the answer about the session is cached. */
export function sessionKey(transport: Transport) {
  return createConnectQueryKey({ schema, input: {}, transport, cardinality: 'finite' });
}

/** Who is signed in; undefined when nobody is, or it is not known yet. */
export function useSession(): Session | undefined {
  const transport = useTransport();
  return useQuery({ ...sessionQuery(transport), select: sessionOf }).data;
}

/** How people sign in at this server: by which providers, and whether by passwords too. */
export function useWaysIn(): Pick<GetSessionResponse, 'providers' | 'passwordsOff'> {
  const answer = useQuery(sessionQuery(useTransport())).data;
  return { providers: answer?.providers ?? [], passwordsOff: answer?.passwordsOff ?? false };
}

/** For how many days the server lets an access token live at most; 0 where it sets no limit. */
export function useTokenMaxDays(): number {
  return useQuery(sessionQuery(useTransport())).data?.tokenMaxDays ?? 0;
}

function sessionOf(answer: GetSessionResponse): Session | undefined {
  return answer.session;
}

/** Whether the signed-in user is an admin of the organisation, as the server says. The server checks it again. */
export function useIsAdmin(organisation: string): boolean {
  return roleIn(useSession(), organisation) === 'admin';
}

/** The user's role in the organisation: `member`, `admin`, or undefined for who does not belong to it. */
export function roleIn(session: Session | undefined, organisation: string): string | undefined {
  return session?.memberships.find((membership) => membership.organisation === organisation)?.role;
}
