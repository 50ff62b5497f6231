import { useMutation, useQuery } from '@connectrpc/connect-query';
import { IdentityService } from '#src/gen/forest/v1/identities_pb.ts';
import { useInvalidate } from '#src/lib/use-invalidate.ts';

const { listIdentities, connectIdentity, disconnectIdentity } = IdentityService.method;

/** The caller's accounts at providers, and whether they have a password. */
export const useIdentities = () => useQuery(listIdentities, {});

/** Connecting leaves the dashboard for the provider's pages. */
export function useIdentityMutations() {
  const invalidate = useInvalidate();
  return {
    connect: useMutation(connectIdentity, {
      onSuccess: ({ authorizationUrl }) => window.location.assign(authorizationUrl),
    }),
    disconnect: useMutation(disconnectIdentity, {
      onSuccess: () => invalidate(listIdentities),
    }),
  };
}
