import { createConnectQueryKey, useMutation, useTransport } from '@connectrpc/connect-query';
import { useQueryClient } from '@tanstack/react-query';
import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { ReleasePipelineService } from '#src/gen/forest/v1/release_pipelines_pb.ts';

/**
 * Creating, changing and deleting pipelines. What is known of pipelines, and of what a release may choose from, is asked
 * for anew; a mutation is done when the list shows it.
 */
export function usePipelineWrites() {
  const queryClient = useQueryClient();
  const transport = useTransport();
  const onSuccess = async () => {
    void queryClient.invalidateQueries({
      queryKey: createConnectQueryKey({ schema: PolicyService, transport, cardinality: undefined }),
    });
    await queryClient.invalidateQueries({
      queryKey: createConnectQueryKey({ schema: ReleasePipelineService, transport, cardinality: undefined }),
    });
  };
  const { method } = ReleasePipelineService;
  return {
    create: useMutation(method.createReleasePipeline, { onSuccess }),
    update: useMutation(method.updateReleasePipeline, { onSuccess }),
    remove: useMutation(method.deleteReleasePipeline, { onSuccess }),
  };
}
