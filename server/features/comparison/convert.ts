import type { MessageInitShape } from '@bufbuild/protobuf';
import { isUncertain } from '#domain/release/place.ts';
import { directionToWire, liveBuildToWire } from '#server/features/gate/convert.ts';
import type { GetReleaseComparisonResponseSchema } from '#server/gen/forest/v1/releases_pb.ts';
import { timestamp } from '#server/wire/timestamps.ts';
import { withoutNulls } from '#server/wire/without-nulls.ts';
import type { Comparison } from './service.ts';

export const comparisonToWire = (
  comparison: Comparison,
): MessageInitShape<typeof GetReleaseComparisonResponseSchema> => ({
  destinations: comparison.places.map(({ direction, ...place }) => ({
    destinationName: place.name,
    live: place.live === null ? undefined : liveBuildToWire(place.live),
    direction: direction === null ? undefined : directionToWire[direction],
    uncertain: isUncertain(place),
  })),
  direction: comparison.direction === null ? undefined : directionToWire[comparison.direction],
  builds: comparison.builds.map((build) => ({
    ...withoutNulls(build),
    annotatedAt: timestamp(new Date(build.annotatedAt)),
  })),
  commits: comparison.commits.map((commit) => ({
    ...withoutNulls(commit),
    coAuthors: [...commit.coAuthors],
  })),
  commitsComplete: comparison.commitsComplete,
  contributors: comparison.contributors.map(withoutNulls),
  compareUrl: comparison.compareUrl ?? undefined,
  commitsTotal: comparison.commitsTotal,
});
