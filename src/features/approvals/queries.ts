import { type GetReleaseRequirementsResponse, PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { ReleaseIntentStatus } from '#src/gen/forest/v1/releases_pb.ts';
import { polling } from '#src/lib/polling.ts';

/** The release that is voted on, as the policy service names it. */
export interface ReleaseRef {
  readonly organisation: string;
  readonly project: string;
  readonly releaseIntentId: string;
}

/** The input of `GetReleaseRequirements`; the loader, the page and the votes use the same cached answer. */
export function requirementsInput({ organisation, project, releaseIntentId }: ReleaseRef) {
  return { project: { organisation, project }, releaseIntentId };
}

/** The only poll of the artifact page. It stops when the release has ended and none of its deliveries occupies a destination. */
export const requirementsPolling = polling<GetReleaseRequirementsResponse>(
  (answer) =>
    answer !== undefined &&
    answer.intentStatus !== ReleaseIntentStatus.ACTIVE &&
    !answer.destinations.some(({ inFlight }) =>
      inFlight.some(({ releaseIntentId }) => releaseIntentId === answer.releaseIntentId),
    ),
);

/** The releases that wait for the caller's vote, over all organisations. */
export const pendingMethod = PolicyService.method.listPendingApprovals;
export const pendingInput = { pageToken: '' };

/** Where the comment of a vote is kept when the session ends. */
export function draftKey(releaseIntentId: string, environment: string): string {
  return `vote:${releaseIntentId}:${environment}`;
}
