import { createConnectQueryKey, useMutation, useTransport } from '@connectrpc/connect-query';
import { useQueryClient } from '@tanstack/react-query';
import { DestinationService } from '#src/gen/forest/v1/destinations_pb.ts';
import { EnvironmentService } from '#src/gen/forest/v1/environments_pb.ts';
import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';

/** Asks anew for all that is known of environments, destinations, and of what is released to them. */
export function useAskAnew() {
  const queryClient = useQueryClient();
  const transport = useTransport();
  return async () => {
    for (const schema of [ReleaseService, PolicyService]) {
      const queryKey = createConnectQueryKey({ schema, transport, cardinality: undefined });
      void queryClient.invalidateQueries({ queryKey });
    }
    await Promise.all(
      [EnvironmentService, DestinationService].map((schema) =>
        queryClient.invalidateQueries({
          queryKey: createConnectQueryKey({ schema, transport, cardinality: undefined }),
        }),
      ),
    );
  };
}

/** Creating, changing and deleting environments and destinations; each is done when the list shows it. */
export function useEnvironmentWrites() {
  const onSuccess = useAskAnew();
  return {
    createEnvironment: useMutation(EnvironmentService.method.createEnvironment, { onSuccess }),
    updateEnvironment: useMutation(EnvironmentService.method.updateEnvironment, { onSuccess }),
    deleteEnvironment: useMutation(EnvironmentService.method.deleteEnvironment, { onSuccess }),
    createDestination: useMutation(DestinationService.method.createDestination, { onSuccess }),
    updateDestination: useMutation(DestinationService.method.updateDestination, { onSuccess }),
    deleteDestination: useMutation(DestinationService.method.deleteDestination, { onSuccess }),
  };
}
