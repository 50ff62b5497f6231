import type { ServiceImpl } from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import { invalid } from '#server/failure.ts';
import type { DestinationService } from '#server/gen/forest/v1/destinations_pb.ts';
import { pageOf } from '#server/wire/pages.ts';
import { callerOf, organisationOf } from '#server/wire/scopes.ts';
import { destinationToWire, typeToWire } from './convert.ts';
import * as destinations from './service.ts';

export const destinationHandlers = (app: AppContext): ServiceImpl<typeof DestinationService> => ({
  async createDestination({ name, environment, metadata, type, gracePeriodSeconds = null }, context) {
    if (type === undefined) throw invalid({ field: 'type', message: 'is required' });
    const typeName = { organisation: type.organisation, name: type.name, version: Number(type.version) };
    const request = { name, environment, metadata, type: typeName, gracePeriodSeconds };
    await destinations.createDestination(app, callerOf(context), organisationOf(context), request);
    return {};
  },

  async updateDestination({ name, metadata, gracePeriodSeconds = null }, context) {
    const request = { name, metadata, gracePeriodSeconds };
    await destinations.updateDestination(app, callerOf(context), organisationOf(context), request);
    return {};
  },

  async deleteDestination({ name }, context) {
    await destinations.deleteDestination(app, callerOf(context), organisationOf(context), name);
    return {};
  },

  async getDestinations(request, context) {
    const scope = organisationOf(context);
    const page = pageOf(request, ['text']);
    const { rows, nextPageToken } = await destinations.listDestinations(app, scope, page);
    return { destinations: rows.map((row) => destinationToWire(row, scope.organisation)), nextPageToken };
  },

  async listDestinationTypes() {
    return { types: destinations.listDestinationTypes(app).map(typeToWire) };
  },
});
