import { useMutation } from '@connectrpc/connect-query';
import { ServiceAccountService } from '#src/gen/forest/v1/service_accounts_pb.ts';
import { useInvalidate } from '#src/lib/use-invalidate.ts';

const { method } = ServiceAccountService;

/** Creating and deleting service accounts and their tokens. */
export function useServiceAccountMutations() {
  const invalidate = useInvalidate();
  const onSuccess = () => invalidate(ServiceAccountService);
  return {
    create: useMutation(method.createServiceAccount, { onSuccess }),
    remove: useMutation(method.deleteServiceAccount, { onSuccess }),
    createToken: useMutation(method.createServiceAccountToken, { onSuccess }),
    revokeToken: useMutation(method.revokeServiceAccountToken, { onSuccess }),
  };
}
