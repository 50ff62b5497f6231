import type { ServiceImpl } from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import type { ReleaseService } from '#server/gen/forest/v1/releases_pb.ts';
import { pageOf } from '#server/wire/pages.ts';
import { callerOf, organisationOf, projectOf } from '#server/wire/scopes.ts';
import { metadataFromWire, projectToWire } from './convert.ts';
import * as projects from './service.ts';

type Methods = 'getOrganisations' | 'getProjects' | 'createProject' | 'getProject' | 'updateProject';

/** The projects' part of ReleaseService. */
export const projectHandlers = (app: AppContext): Pick<ServiceImpl<typeof ReleaseService>, Methods> => ({
  async getOrganisations(_request, context) {
    const names = await projects.listOwnOrganisations(app, callerOf(context));
    return { organisations: names.map((organisation) => ({ organisation })) };
  },

  async getProjects(request, context) {
    const page = await projects.listProjects(app, organisationOf(context), pageOf(request, ['text']));
    return { projects: page.rows.map(({ name }) => name), nextPageToken: page.nextPageToken };
  },

  async createProject(request, context) {
    const scope = organisationOf(context);
    const row = await projects.createProject(app, callerOf(context), scope, request.project);
    return { project: projectToWire(row, scope.organisation) };
  },

  async getProject(_request, context) {
    const scope = projectOf(context);
    return { project: projectToWire(await projects.getProject(app, scope), scope.organisation) };
  },

  async updateProject({ readme, description, metadata }, context) {
    const scope = projectOf(context);
    const change = { readme, description, metadata: metadataFromWire(metadata) };
    const row = await projects.updateProject(app, callerOf(context), scope, change);
    return { project: projectToWire(row, scope.organisation) };
  },
});
