import { createConnectQueryKey, useMutation, useQuery, useTransport } from '@connectrpc/connect-query';
import { useQueryClient } from '@tanstack/react-query';
import { IdentityService } from '#src/gen/forest/v1/identities_pb.ts';

const { listIdentities, connectIdentity, disconnectIdentity } = IdentityService.method;

/** How the caller can sign in: their accounts at providers, and whether by a password. */
export const useIdentities = () => useQuery(listIdentities, {});

/** Connecting leaves the dashboard for the provider; disconnecting is done when the list shows it. */
export function useIdentityWrites() {
  const client = useQueryClient();
  const transport = useTransport();
  const queryKey = createConnectQueryKey({ schema: listIdentities, transport, cardinality: undefined });
  return {
    connect: useMutation(connectIdentity, {
      onSuccess: ({ authorizationUrl }) => window.location.assign(authorizationUrl),
    }),
    disconnect: useMutation(disconnectIdentity, {
      onSuccess: () => client.invalidateQueries({ queryKey }),
    }),
  };
}
