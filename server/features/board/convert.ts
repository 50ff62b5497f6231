import type { MessageInitShape } from '@bufbuild/protobuf';
import { approvalsOf } from '#domain/policy/approval.ts';
import { isUncertain } from '#domain/release/place.ts';
import { liveBuildToWire } from '#server/features/gate/convert.ts';
import { deliveryToWire } from '#server/features/releases/convert.ts';
import type {
  BoardCellSchema,
  BoardRowSchema,
  BoardWaitingSchema,
} from '#server/gen/forest/v1/releases_pb.ts';
import type { BoardRow, Cell } from './service.ts';
import type { WaitingJson } from './store.ts';

function waitingToWire({ intentId, ...one }: WaitingJson): MessageInitShape<typeof BoardWaitingSchema> {
  const { required = 0, current = 0 } = approvalsOf(one.reason) ?? {};
  return { ...one, releaseIntentId: intentId, requiredApprovals: required, currentApprovals: current };
}

const cellToWire = (cell: Cell): MessageInitShape<typeof BoardCellSchema> => ({
  environment: cell.environment,
  live: cell.live.map(liveBuildToWire),
  uncertain: cell.places.some(isUncertain),
  inFlight: cell.deliveries.map(deliveryToWire),
  waiting: cell.waiting.map(waitingToWire),
  onHold: cell.onHold,
});

export const boardRowToWire = ({ project, cells }: BoardRow): MessageInitShape<typeof BoardRowSchema> => ({
  project,
  cells: cells.map(cellToWire),
});
