import type { Transport } from '@connectrpc/connect';
import { createInfiniteQueryOptions, useMutation } from '@connectrpc/connect-query';
import { ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import { paged } from '#src/lib/paged.ts';
import { useInvalidate } from '#src/lib/use-invalidate.ts';

const { createProject, updateProject, getProjects, getProject } = ReleaseService.method;

/** An organisation's projects, for the loader and the list. */
export const projectsOptions = (transport: Transport, organisation: string) =>
  createInfiniteQueryOptions(
    getProjects,
    { query: { case: 'organisation', value: { organisation } }, pageToken: '' },
    { transport, ...paged },
  );

/** Creating projects and changing their descriptions. */
export function useProjectMutations() {
  const invalidate = useInvalidate();
  const onSuccess = () => invalidate(getProjects, getProject);
  return {
    create: useMutation(createProject, { onSuccess }),
    update: useMutation(updateProject, { onSuccess }),
  };
}
