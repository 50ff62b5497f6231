import type { Transport } from '@connectrpc/connect';
import { createInfiniteQueryOptions, useMutation } from '@connectrpc/connect-query';
import type { ProjectRef } from '#src/config/paths.ts';
import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { ReleasePipelineService } from '#src/gen/forest/v1/release_pipelines_pb.ts';
import { paged } from '#src/lib/paged.ts';
import { useInvalidate } from '#src/lib/use-invalidate.ts';

const { listReleasePipelines, createReleasePipeline, updateReleasePipeline, deleteReleasePipeline } =
  ReleasePipelineService.method;

/** A project's pipelines, for the loader and the list. */
export const pipelinesOptions = (transport: Transport, project: ProjectRef) =>
  createInfiniteQueryOptions(listReleasePipelines, { project, pageToken: '' }, { transport, ...paged });

/** Creating, changing and deleting pipelines. What a release can use (`GetReleaseOptions`) is refetched too. */
export function usePipelineMutations() {
  const invalidate = useInvalidate();
  const onSuccess = () => {
    void invalidate(PolicyService);
    return invalidate(ReleasePipelineService);
  };
  return {
    create: useMutation(createReleasePipeline, { onSuccess }),
    update: useMutation(updateReleasePipeline, { onSuccess }),
    remove: useMutation(deleteReleasePipeline, { onSuccess }),
  };
}
