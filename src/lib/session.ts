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

/** The sign-in methods of this server: its providers, and whether passwords are off. */
export function useSignInMethods(): Pick<GetSessionResponse, 'providers' | 'passwordsOff'> {
  const answer = useQuery(sessionQuery(useTransport())).data;
  return { providers: answer?.providers ?? [], passwordsOff: answer?.passwordsOff ?? false };
}

/** The longest lifetime of an access token, in days; 0 for no limit. */
export function useTokenMaxDays(): number {
  return useQuery(sessionQuery(useTransport())).data?.tokenMaxDays ?? 0;
}

function sessionOf(answer: GetSessionResponse): Session | undefined {
  return answer.session;
}

/** Whether the user is an admin of the organisation. Only for what to show: the server checks every request. */
export function useIsAdmin(organisation: string): boolean {
  return roleIn(useSession(), organisation) === 'admin';
}

/** Whether the server lets the user create organisations. */
export function useMayCreateOrganisations(): boolean {
  const answer = useQuery(sessionQuery(useTransport())).data;
  return (
    answer?.registrationOpen === true ||
    answer?.session?.memberships.some(({ role }) => role === 'admin') === true
  );
}

/** The user's role in the organisation: `member`, `admin`, or undefined for other users. */
export function roleIn(session: Session | undefined, organisation: string): string | undefined {
  return session?.memberships.find((membership) => membership.organisation === organisation)?.role;
}
