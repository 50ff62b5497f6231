import type { Transport } from '@connectrpc/connect';
import { createQueryOptions, useMutation } from '@connectrpc/connect-query';
import type { ProjectRef } from '#src/config/paths.ts';
import { ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import { useInvalidate } from '#src/lib/use-invalidate.ts';

const { createProject, updateProject, getProjects, getProject, getDeploymentBoard } = ReleaseService.method;

/** One project, for the loader and its description. */
export const projectOptions = (transport: Transport, { organisation, project }: ProjectRef) =>
  createQueryOptions(getProject, { organisation, project }, { transport });

/** Creating projects and changing their descriptions. */
export function useProjectMutations() {
  const invalidate = useInvalidate();
  return {
    create: useMutation(createProject, { onSuccess: () => invalidate(getProjects, getDeploymentBoard) }),
    update: useMutation(updateProject, { onSuccess: () => invalidate(getProject) }),
  };
}
