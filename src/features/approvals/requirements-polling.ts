import type { GetReleaseRequirementsResponse } from '#src/gen/forest/v1/policies_pb.ts';
import { ReleaseIntentStatus, ReleaseStatus } from '#src/gen/forest/v1/releases_pb.ts';
import { polling } from '#src/lib/polling.ts';

/**
 * The artifact page's one poll: a release with its requirements and destinations. It goes on until the release has ended
 * and none of its destinations is still at work, and rests while a vote is on its way, whose result is shown before the
 * server knows it. The end of the vote asks again.
 */
export function requirementsPolling(voting: boolean) {
  return { ...polling(nothingMoves), enabled: !voting };
}

const moving: readonly ReleaseStatus[] = [
  ReleaseStatus.QUEUED,
  ReleaseStatus.ASSIGNED,
  ReleaseStatus.RUNNING,
];

/** Before the first answer it is not known, so it is asked on. */
function nothingMoves(answer: GetReleaseRequirementsResponse | undefined): boolean {
  if (answer === undefined || answer.intentStatus === ReleaseIntentStatus.ACTIVE) return false;
  const { releaseIntentId } = answer;
  return !answer.destinations.some(
    (state) => state.releaseIntentId === releaseIntentId && moving.includes(state.statusCode),
  );
}
