import type { MessageInitShape } from '@bufbuild/protobuf';
import type { DestinationSchema, DestinationTypeSchema } from '#server/gen/forest/v1/destinations_pb.ts';
import type { Destination, ShownType } from './service.ts';

export const typeToWire = (type: ShownType): MessageInitShape<typeof DestinationTypeSchema> => ({
  organisation: type.organisation,
  name: type.name,
  version: BigInt(type.version),
  description: type.description,
  fields: type.fields.map((field) => ({ ...field })),
});

export const destinationToWire = (
  { name, environment, metadata, type, gracePeriodSeconds, revision, canPlan }: Destination,
  organisation: string,
): MessageInitShape<typeof DestinationSchema> => ({
  name,
  environment,
  metadata: { ...metadata },
  organisation,
  type: typeToWire(type),
  gracePeriodSeconds: gracePeriodSeconds ?? undefined,
  revision: BigInt(revision),
  canPlan,
});
