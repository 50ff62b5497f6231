import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ServiceImpl } from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import type { DestinationType } from '#server/destinations/destination-type.ts';
import { invalid } from '#server/failure.ts';
import type { DestinationService, DestinationTypeSchema } from '#server/gen/forest/v1/destinations_pb.ts';
import { callerOf, organisationOf } from '#server/rpc/access.ts';
import { nextPageToken, pageOf } from '#server/rpc/page.ts';
import * as service from './service.ts';

function typeToWire(type: DestinationType): MessageInitShape<typeof DestinationTypeSchema> {
  return {
    organisation: type.organisation,
    name: type.name,
    version: BigInt(type.version),
    description: type.description,
    fields: type.fields.map((field) => ({ ...field })),
  };
}

/** DestinationService: members read, admins change (the access table decides before these run). */
export function destinationHandlers(app: AppContext): ServiceImpl<typeof DestinationService> {
  return {
    async createDestination({ name, environment, metadata, type }, context) {
      if (type === undefined) throw invalid({ field: 'type', message: 'is required' });
      const typeName = { organisation: type.organisation, name: type.name, version: Number(type.version) };
      const input = { name, environment, metadata, type: typeName };
      await service.createDestination(app, callerOf(context), organisationOf(context), input);
      return {};
    },
    async updateDestination({ name, metadata }, context) {
      await service.updateDestination(app, callerOf(context), organisationOf(context), { name, metadata });
      return {};
    },
    async deleteDestination({ name }, context) {
      await service.deleteDestination(app, callerOf(context), organisationOf(context), name);
      return {};
    },
    async getDestinations(request, context) {
      const scope = organisationOf(context);
      const page = pageOf(request, ['text']);
      const found = await service.listDestinations(app, scope, page);
      const { rows, nextPageToken: token } = nextPageToken(found, page.limit, (row) => [row.name]);
      return {
        nextPageToken: token,
        destinations: rows.map((row) => ({
          name: row.name,
          environment: row.environment,
          metadata: { ...row.metadata },
          organisation: scope.organisation,
          type: row.type
            ? typeToWire(row.type)
            : { ...row.typeName, version: BigInt(row.typeName.version), fields: [] },
        })),
      };
    },
    async listDestinationTypes() {
      return { types: service.listDestinationTypes(app).map(typeToWire) };
    },
  };
}
