import type { ServiceImpl } from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import { invalid } from '#server/failure.ts';
import type { EnvironmentService } from '#server/gen/forest/v1/environments_pb.ts';
import { pageOf } from '#server/wire/pages.ts';
import { callerOf, organisationOf } from '#server/wire/scopes.ts';
import { environmentToWire } from './convert.ts';
import * as environments from './service.ts';

export const environmentHandlers = (app: AppContext): ServiceImpl<typeof EnvironmentService> => ({
  async createEnvironment({ name, description = null, sortOrder }, context) {
    const scope = organisationOf(context);
    const request = { name, description, sortOrder };
    const row = await environments.createEnvironment(app, callerOf(context), scope, request);
    return { environment: environmentToWire(row, scope.organisation) };
  },

  async getEnvironment({ identifier }, context) {
    const scope = organisationOf(context);
    if (identifier.case === undefined)
      throw invalid({ field: 'identifier', message: 'requires id or lookup' });
    const by = identifier.case === 'id' ? { id: identifier.value } : { name: identifier.value.name };
    const row = await environments.getEnvironment(app, scope, by);
    return { environment: environmentToWire(row, scope.organisation) };
  },

  async listEnvironments(request, context) {
    const scope = organisationOf(context);
    const page = pageOf(request, ['integer', 'text']);
    const { rows, nextPageToken } = await environments.listEnvironments(app, scope, page);
    return { environments: rows.map((row) => environmentToWire(row, scope.organisation)), nextPageToken };
  },

  async updateEnvironment({ id, description, sortOrder }, context) {
    const scope = organisationOf(context);
    const request = { id, description, sortOrder };
    const row = await environments.updateEnvironment(app, callerOf(context), scope, request);
    return { environment: environmentToWire(row, scope.organisation) };
  },

  async deleteEnvironment({ id }, context) {
    await environments.deleteEnvironment(app, callerOf(context), organisationOf(context), id);
    return {};
  },
});
