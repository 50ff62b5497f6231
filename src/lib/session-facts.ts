import { useTransport } from '@connectrpc/connect-query';
import { useQuery } from '@tanstack/react-query';
import type { GetSessionResponse } from '#src/gen/forest/v1/sessions_pb.ts';
import { roleIn, sessionQuery, useSession } from './session.ts';

/** The sign-in methods of this server: its providers, and whether passwords are off. */
export function useSignInMethods(): Pick<GetSessionResponse, 'providers' | 'passwordsOff'> {
  const answer = useQuery(sessionQuery(useTransport())).data;
  return { providers: answer?.providers ?? [], passwordsOff: answer?.passwordsOff ?? false };
}

/** The longest lifetime of an access token, in days; 0 for no limit. */
export function useTokenMaxDays(): number {
  return useQuery(sessionQuery(useTransport())).data?.tokenMaxDays ?? 0;
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
