import type { MessageInitShape } from '@bufbuild/protobuf';
import type { EnvironmentSchema } from '#server/gen/forest/v1/environments_pb.ts';
import { timestamp } from '#server/wire/timestamps.ts';
import type { Environment, ListedEnvironment } from './service.ts';

export const environmentToWire = (
  row: Environment & Partial<ListedEnvironment>,
  organisation: string,
): MessageInitShape<typeof EnvironmentSchema> => ({
  id: row.id,
  organisation,
  name: row.name,
  description: row.description ?? undefined,
  sortOrder: row.sortOrder,
  createdAt: timestamp(row.createdAt),
  cannotPlan: [...(row.cannotPlan ?? [])],
});
