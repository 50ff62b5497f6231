import { createConnectQueryKey, useMutation, useTransport } from '@connectrpc/connect-query';
import { useQueryClient } from '@tanstack/react-query';
import { ServiceAccountService } from '#src/gen/forest/v1/service_accounts_pb.ts';

/** Making and ending service accounts and their tokens; each is done when the list shows it. */
export function useServiceAccountWrites() {
  const client = useQueryClient();
  const transport = useTransport();
  const onSuccess = () =>
    client.invalidateQueries({
      queryKey: createConnectQueryKey({ schema: ServiceAccountService, transport, cardinality: undefined }),
    });
  const { createServiceAccount, deleteServiceAccount, createServiceAccountToken, revokeServiceAccountToken } =
    ServiceAccountService.method;
  return {
    create: useMutation(createServiceAccount, { onSuccess }),
    remove: useMutation(deleteServiceAccount, { onSuccess }),
    createToken: useMutation(createServiceAccountToken, { onSuccess }),
    revokeToken: useMutation(revokeServiceAccountToken, { onSuccess }),
  };
}
