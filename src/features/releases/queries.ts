import type { GetReleaseIntentStatesResponse } from '#src/gen/forest/v1/releases_pb.ts';
import { ReleaseIntentStatus } from '#src/gen/forest/v1/releases_pb.ts';
import { polling } from '#src/lib/polling.ts';

/** The input of `GetReleaseIntentStates` for all releases of one artifact, ended ones included. */
export function intentsInput(organisation: string, project: string, artifactId: string) {
  return { organisation, project, artifactId, includeCompleted: true, pageSize: 100 };
}

/** Finds releases that other people start; the shown release has its own poll. In milliseconds. */
const POLL_INTERVAL = 30_000;

export const intentsPolling = {
  ...polling<GetReleaseIntentStatesResponse>(
    (answer) => answer?.releaseIntents.every(({ status }) => status !== ReleaseIntentStatus.ACTIVE) ?? false,
    POLL_INTERVAL,
  ),
  // After all releases have ended, too.
  refetchOnWindowFocus: 'always',
} as const;
