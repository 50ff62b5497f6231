import { useQuery } from '@connectrpc/connect-query';
import { ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';

/** As many as `GetReleaseRequirements` answers. */
export const MAX_DESTINATIONS = 500;

/** The input of `GetDestinationStates` for one artifact; the loader and the page share the answer. */
export function destinationsInput(organisation: string, project: string, artifactId: string) {
  return { organisation, project, artifactId, pageSize: MAX_DESTINATIONS };
}

/** The state of an artifact on each destination, if `enabled`: a released artifact has it in its release's requirements. */
export function useDestinationStates(
  input: ReturnType<typeof destinationsInput>,
  { enabled }: { readonly enabled: boolean },
) {
  return useQuery(ReleaseService.method.getDestinationStates, input, { enabled });
}
