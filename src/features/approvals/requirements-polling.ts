import type { GetReleaseRequirementsResponse } from '#src/gen/forest/v1/policies_pb.ts';
import { ReleaseIntentStatus } from '#src/gen/forest/v1/releases_pb.ts';
import { polling } from '#src/lib/polling.ts';

/**
 * How a release's requirements are kept live: by polling until the release has ended, and not at all while a vote is on its
 * way, whose result is shown before the server knows it. The end of the vote asks again.
 */
export function requirementsPolling(voting: boolean) {
  return {
    ...polling<GetReleaseRequirementsResponse>(
      (answer) => answer !== undefined && answer.intentStatus !== ReleaseIntentStatus.ACTIVE,
    ),
    enabled: !voting,
  };
}
