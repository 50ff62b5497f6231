import { ComparisonDirection } from '#src/gen/forest/v1/releases_pb.ts';

/** What people call a build: its version, else its slug. */
export const buildName = ({
  version,
  slug,
}: {
  readonly version?: string | undefined;
  readonly slug: string;
}): string => version || slug;

/** What is said of a build that replaces a newer one; undefined for all others. `live` is the newest that it replaces. */
export function replacesNewer(
  direction: ComparisonDirection,
  live: { readonly version?: string; readonly slug: string } | undefined,
): string | undefined {
  const label =
    direction === ComparisonDirection.ROLLBACK
      ? 'Rollback'
      : direction === ComparisonDirection.OLDER
        ? 'Older than what is live'
        : undefined;
  return label && live ? `${label}: replaces ${buildName(live)}, which is newer` : label;
}
