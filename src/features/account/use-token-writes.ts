import { createConnectQueryKey, useMutation, useTransport } from '@connectrpc/connect-query';
import { useQueryClient } from '@tanstack/react-query';
import { UsersService } from '#src/gen/forest/v1/users_pb.ts';

/** Making and deleting access tokens; each is done when the list shows it. */
export function useTokenWrites() {
  const client = useQueryClient();
  const transport = useTransport();
  const onSuccess = () =>
    client.invalidateQueries({
      queryKey: createConnectQueryKey({
        schema: UsersService.method.listPersonalAccessTokens,
        transport,
        cardinality: undefined,
      }),
    });
  return {
    create: useMutation(UsersService.method.createPersonalAccessToken, { onSuccess }),
    remove: useMutation(UsersService.method.deletePersonalAccessToken, { onSuccess }),
  };
}
