import type { ServiceImpl } from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import { invalid } from '#server/failure.ts';
import type { EnvironmentService } from '#server/gen/forest/v1/environments_pb.ts';
import { callerOf, organisationOf } from '#server/rpc/access.ts';
import { nextPageToken, pageOf } from '#server/rpc/page.ts';
import { environmentToWire } from './convert.ts';
import * as service from './service.ts';

/** EnvironmentService: members read, admins change (the access table decides before these run). */
export function environmentHandlers(app: AppContext): ServiceImpl<typeof EnvironmentService> {
  return {
    async createEnvironment({ name, description, sortOrder }, context) {
      const scope = organisationOf(context);
      const input = { name, description: description ?? null, sortOrder };
      const row = await service.createEnvironment(app, callerOf(context), scope, input);
      return { environment: environmentToWire(row, scope.organisation) };
    },
    async getEnvironment({ identifier }, context) {
      const scope = organisationOf(context);
      if (identifier.case === undefined) throw invalid({ field: 'identifier', message: 'give id or lookup' });
      const by = identifier.case === 'id' ? { id: identifier.value } : { name: identifier.value.name };
      return {
        environment: environmentToWire(await service.getEnvironment(app, scope, by), scope.organisation),
      };
    },
    async listEnvironments(request, context) {
      const scope = organisationOf(context);
      const page = pageOf(request, ['integer', 'text']);
      const found = await service.listEnvironments(app, scope, page);
      const { rows, nextPageToken: token } = nextPageToken(found, page.limit, service.sortKey);
      return {
        environments: rows.map((row) => environmentToWire(row, scope.organisation)),
        nextPageToken: token,
      };
    },
    async updateEnvironment({ id, description, sortOrder }, context) {
      const scope = organisationOf(context);
      const input = { id, description, sortOrder };
      const row = await service.updateEnvironment(app, callerOf(context), scope, input);
      return { environment: environmentToWire(row, scope.organisation) };
    },
    async deleteEnvironment({ id }, context) {
      await service.deleteEnvironment(app, callerOf(context), organisationOf(context), id);
      return {};
    },
  };
}
