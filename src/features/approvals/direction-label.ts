import { ComparisonDirection } from '#src/gen/forest/v1/releases_pb.ts';

/** The words for a build that replaces a newer one; undefined for all others. */
export function directionLabel(direction: ComparisonDirection): string | undefined {
  if (direction === ComparisonDirection.ROLLBACK) return 'Rollback';
  return direction === ComparisonDirection.OLDER ? 'Older than what is live' : undefined;
}
