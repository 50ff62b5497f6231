import { createConnectQueryKey, useMutation, useTransport } from '@connectrpc/connect-query';
import { useQueryClient } from '@tanstack/react-query';
import { ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';

/** Creating projects and changing their texts; each is done when the pages show it. */
export function useProjectWrites() {
  const client = useQueryClient();
  const transport = useTransport();
  const { createProject, updateProject, getProjects, getProject } = ReleaseService.method;
  const keys = [
    createConnectQueryKey({ schema: getProjects, transport, cardinality: undefined }),
    createConnectQueryKey({ schema: getProject, transport, cardinality: undefined }),
  ];
  const onSuccess = () => Promise.all(keys.map((queryKey) => client.invalidateQueries({ queryKey })));
  return {
    create: useMutation(createProject, { onSuccess }),
    update: useMutation(updateProject, { onSuccess }),
  };
}
