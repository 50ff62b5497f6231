import type { MessageInitShape } from '@bufbuild/protobuf';
import { approvalsOf } from '#domain/policy/approval.ts';
import { isUncertain } from '#domain/release/place.ts';
import { liveBuildToWire } from '#server/features/gate/convert.ts';
import { deliveryToWire } from '#server/features/releases/convert.ts';
import {
  type BoardCellSchema,
  type BoardPlaceSchema,
  type BoardRowSchema,
  type BoardWaitingSchema,
  ReleaseStatus,
} from '#server/gen/forest/v1/releases_pb.ts';
import { timestamp } from '#server/wire/timestamps.ts';
import { withoutNulls } from '#server/wire/without-nulls.ts';
import type { BoardRow, Cell } from './service.ts';
import type { BoardPlace, WaitingJson } from './store.ts';

function waitingToWire(one: WaitingJson): MessageInitShape<typeof BoardWaitingSchema> {
  const { required = 0, current = 0 } = approvalsOf(one.reason) ?? {};
  return {
    ...withoutNulls(one),
    releaseIntentId: one.intentId,
    requiredApprovals: required,
    currentApprovals: current,
    rejectedBy: [...one.rejectedBy],
    nextCheckAt: one.nextCheckAt === null ? undefined : timestamp(new Date(one.nextCheckAt)),
  };
}

const placeToWire = (place: BoardPlace): MessageInitShape<typeof BoardPlaceSchema> => ({
  destination: place.name,
  liveArtifactId: place.live?.artifactId,
  requestedBy: place.requestedBy ?? undefined,
  uncertain: isUncertain(place),
  failure: place.failed
    ? {
        ...withoutNulls(place.failed),
        releaseIntentId: place.failed.intentId,
        status: ReleaseStatus[place.failed.status],
      }
    : undefined,
});

const cellToWire = (cell: Cell): MessageInitShape<typeof BoardCellSchema> => ({
  environment: cell.environment,
  live: cell.live.map(liveBuildToWire),
  uncertain: cell.places.some(isUncertain),
  inFlight: cell.deliveries.map((one) => ({
    ...deliveryToWire(one),
    version: one.version ?? undefined,
    commitSha: one.commitSha,
    destinationName: one.destinationName,
  })),
  waiting: cell.waiting.map(waitingToWire),
  onHold: cell.onHold,
  places: cell.places.map(placeToWire),
  plans: cell.plans.map(waitingToWire),
  previous: cell.previous
    ? { ...withoutNulls(cell.previous), annotatedAt: timestamp(new Date(cell.previous.annotatedAt)) }
    : undefined,
});

export const boardRowToWire = ({ project, cells }: BoardRow): MessageInitShape<typeof BoardRowSchema> => ({
  project,
  cells: cells.map(cellToWire),
});
