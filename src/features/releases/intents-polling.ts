import type { GetReleaseIntentStatesResponse } from '#src/gen/forest/v1/releases_pb.ts';
import { polling } from '#src/lib/polling.ts';
import { anyActive } from './intents.ts';

/** The input of `GetReleaseIntentStates` for all releases of one artifact, ended ones included. */
export function intentsInput(organisation: string, project: string, artifactId: string) {
  return { organisation, project, artifactId, includeCompleted: true, pageSize: 100 };
}

/** An artifact's releases stay live while one of them can still change. */
export const intentsPolling = polling<GetReleaseIntentStatesResponse>(
  (answer) => answer !== undefined && !anyActive(answer.releaseIntents),
);
