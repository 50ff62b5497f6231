import { BuildState, type DestinationState } from '#src/gen/forest/v1/releases_pb.ts';
import { buildName } from './build-words.ts';
import { buildLabel } from './release-status.ts';

/**
 * Why it is not certain what a destination runs: `1.5.0 timed out at` and when, RFC 3339. Undefined where it is certain or the server
 * does not say.
 */
export function uncertainText({
  failedDelivery: failed,
  uncertainReason,
}: DestinationState): string | undefined {
  if (!failed) return uncertainReason;
  const end = buildLabel(failed.outcome).label.toLowerCase();
  return `${buildName(failed)} ${failed.outcome === BuildState.CANCELLED ? 'was ' : ''}${end} at ${failed.endedAt}`;
}
