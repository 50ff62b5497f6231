import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Direction } from '#domain/release/place.ts';
import { ComparisonDirection, type LiveBuildSchema } from '#server/gen/forest/v1/releases_pb.ts';
import { timestamp } from '#server/wire/timestamps.ts';
import { withoutNulls } from '#server/wire/without-nulls.ts';
import type { LiveJson } from './rows.ts';

export const directionToWire: Readonly<Record<Direction, ComparisonDirection>> = {
  first: ComparisonDirection.FIRST,
  forward: ComparisonDirection.FORWARD,
  same: ComparisonDirection.SAME,
  older: ComparisonDirection.OLDER,
  rollback: ComparisonDirection.ROLLBACK,
};

/** A live build; its ids are empty when an admin said what runs there. */
export const liveBuildToWire = (live: LiveJson): MessageInitShape<typeof LiveBuildSchema> => ({
  ...withoutNulls(live),
  since: timestamp(new Date(live.since)),
  releaseId: live.releaseId ?? '',
  releaseIntentId: live.intentId ?? '',
  approvedBy: [...live.approvedBy],
});
