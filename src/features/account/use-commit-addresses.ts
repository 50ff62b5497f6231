import { useMutation } from '@connectrpc/connect-query';
import { UsersService } from '#src/gen/forest/v1/users_pb.ts';
import { useInvalidate } from '#src/lib/use-invalidate.ts';

const { listCommitAddresses, addCommitAddress, removeCommitAddress } = UsersService.method;

/** Adding and removing commit addresses. */
export function useCommitAddressMutations() {
  const invalidate = useInvalidate();
  const onSuccess = () => invalidate(listCommitAddresses);
  return {
    add: useMutation(addCommitAddress, { onSuccess }),
    remove: useMutation(removeCommitAddress, { onSuccess }),
  };
}
