import { type GetDestinationStatesResponse, ReleaseStatus } from '#src/gen/forest/v1/releases_pb.ts';
import { polling } from '#src/lib/polling.ts';

/** The input of `GetDestinationStates` for one artifact. */
export function destinationsInput(organisation: string, project: string, artifactId: string) {
  return { organisation, project, artifactId, pageSize: 500 };
}

/**
 * Destinations stay live while a release of the artifact is going on, and after it for as long as one of them is still
 * being deployed to.
 */
export function destinationsPolling(artifactId: string, releaseActive: boolean) {
  return polling<GetDestinationStatesResponse>(
    (answer) => !releaseActive && answer !== undefined && !anyMoving(answer, artifactId),
  );
}

const moving: readonly ReleaseStatus[] = [
  ReleaseStatus.QUEUED,
  ReleaseStatus.ASSIGNED,
  ReleaseStatus.RUNNING,
];

function anyMoving(answer: GetDestinationStatesResponse, artifactId: string): boolean {
  return answer.destinations.some(
    (state) => state.artifactId === artifactId && moving.includes(state.statusCode),
  );
}
