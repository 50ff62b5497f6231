import type { GetReleaseIntentStatesResponse } from '#src/gen/forest/v1/releases_pb.ts';
import { polling } from '#src/lib/polling.ts';
import { anyActive } from './intents.ts';

/**
 * How often it is looked whether the artifact has got another release: the one that is shown has the page's own poll.
 * In milliseconds.
 */
const lookAround = 30_000;

/** Coming back to the window looks as well, also after the last release has ended. */
export const intentsPolling = {
  ...polling<GetReleaseIntentStatesResponse>(
    (answer) => answer !== undefined && !anyActive(answer.releaseIntents),
    lookAround,
  ),
  refetchOnWindowFocus: 'always',
} as const;
