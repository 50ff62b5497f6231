import { useMutation } from '@connectrpc/connect-query';
import { UsersService } from '#src/gen/forest/v1/users_pb.ts';
import { useInvalidate } from '#src/lib/use-invalidate.ts';

const { listPersonalAccessTokens, createPersonalAccessToken, deletePersonalAccessToken } =
  UsersService.method;

/** Creating and deleting personal access tokens. */
export function useTokenMutations() {
  const invalidate = useInvalidate();
  const onSuccess = () => invalidate(listPersonalAccessTokens);
  return {
    create: useMutation(createPersonalAccessToken, { onSuccess }),
    remove: useMutation(deletePersonalAccessToken, { onSuccess }),
  };
}
