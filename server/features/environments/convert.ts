import type { MessageInitShape } from '@bufbuild/protobuf';
import type { EnvironmentSchema } from '#server/gen/forest/v1/environments_pb.ts';
import { timestamp } from '#server/wire/timestamps.ts';
import type { Environment } from './service.ts';

export const environmentToWire = (
  row: Environment,
  organisation: string,
): MessageInitShape<typeof EnvironmentSchema> => ({
  id: row.id,
  organisation,
  name: row.name,
  description: row.description ?? undefined,
  sortOrder: row.sortOrder,
  createdAt: timestamp(row.createdAt),
});
