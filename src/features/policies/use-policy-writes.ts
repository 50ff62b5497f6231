import { createConnectQueryKey, useMutation, useTransport } from '@connectrpc/connect-query';
import { useQueryClient } from '@tanstack/react-query';
import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';

/**
 * Creating, changing and deleting policies. A policy changes what waits and why, so all that is known of policies
 * and of releases is asked for anew; a mutation is done when the list shows it.
 */
export function usePolicyWrites() {
  const queryClient = useQueryClient();
  const transport = useTransport();
  const onSuccess = async () => {
    void queryClient.invalidateQueries({
      queryKey: createConnectQueryKey({ schema: ReleaseService, transport, cardinality: undefined }),
    });
    await queryClient.invalidateQueries({
      queryKey: createConnectQueryKey({ schema: PolicyService, transport, cardinality: undefined }),
    });
  };
  return {
    create: useMutation(PolicyService.method.createPolicy, { onSuccess }),
    update: useMutation(PolicyService.method.updatePolicy, { onSuccess }),
    remove: useMutation(PolicyService.method.deletePolicy, { onSuccess }),
  };
}
