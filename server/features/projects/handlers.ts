import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ServiceImpl } from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import type { ProjectSchema, ReleaseService } from '#server/gen/forest/v1/releases_pb.ts';
import { callerOf, organisationOf, projectOf } from '#server/rpc/access.ts';
import { nextPageToken, pageOf } from '#server/rpc/page.ts';
import * as service from './service.ts';

function toWire(row: service.Project, organisation: string): MessageInitShape<typeof ProjectSchema> {
  const { name, readme, description, gitUrl, homepage, docsUrl, supportUrl, domain, owner } = row;
  const metadata = { gitUrl, homepage, docsUrl, supportUrl, domain, owner };
  return { organisation, project: name, readme, description, metadata };
}

type Methods = 'getOrganisations' | 'getProjects' | 'createProject' | 'getProject' | 'updateProject';

/** The part of ReleaseService that is about projects. */
export function projectHandlers(app: AppContext): Pick<ServiceImpl<typeof ReleaseService>, Methods> {
  return {
    async getOrganisations(_request, context) {
      const names = await service.listOwnOrganisations(app, callerOf(context));
      return { organisations: names.map((organisation) => ({ organisation })) };
    },
    async getProjects(request, context) {
      const page = pageOf(request, ['text']);
      const names = await service.listProjects(app, organisationOf(context), page);
      const { rows, nextPageToken: token } = nextPageToken(names, page.limit, (name) => [name]);
      return { projects: rows, nextPageToken: token };
    },
    async createProject({ project }, context) {
      const scope = organisationOf(context);
      const row = await service.createProject(app, callerOf(context), scope, project);
      return { project: toWire(row, scope.organisation) };
    },
    async getProject(_request, context) {
      const scope = projectOf(context);
      return { project: toWire(await service.getProject(app, scope), scope.organisation) };
    },
    async updateProject({ readme, description, metadata }, context) {
      const scope = projectOf(context);
      const told = metadata && {
        gitUrl: metadata.gitUrl,
        homepage: metadata.homepage,
        docsUrl: metadata.docsUrl,
        supportUrl: metadata.supportUrl,
        domain: metadata.domain,
        owner: metadata.owner,
      };
      const input = { readme, description, metadata: told };
      const row = await service.updateProject(app, callerOf(context), scope, input);
      return { project: toWire(row, scope.organisation) };
    },
  };
}
