import type { AppContext } from '#server/context.ts';
import { single } from '#server/db/database.ts';
import { notFound } from '#server/failure.ts';
import type { Caller } from '#server/features/access/service.ts';
import { recordChange } from '#server/features/history/service.ts';
import { organisationOwner, requireRoom } from '#server/features/limits/service.ts';
import { createUnique } from '#server/wire/create-unique.ts';
import { nextPageToken, type Page } from '#server/wire/pages.ts';
import type { OrganisationScope, ProjectScope } from '#server/wire/scopes.ts';
import * as store from './store.ts';

export type Project = store.ProjectRow;

/** The names of the organisations that the caller is a member of, by name. */
export async function listOwnOrganisations(app: AppContext, caller: Caller): Promise<string[]> {
  return (await app.db.run(store.listOrganisationNames, [caller.userId])).map(({ name }) => name);
}

/** A page of the names of the organisation's projects, by name. */
export async function listProjects(app: AppContext, scope: OrganisationScope, page: Page) {
  const params = [scope.organisationId, page.after?.[0] ?? null, page.limit + 1] as const;
  return nextPageToken(await app.db.run(store.listProjectNames, params), page.limit, ({ name }) => [name]);
}

/**
 * Creates a project.
 * @throws Failure already_exists when the organisation has a project of that name; resource_exhausted when it has 1,000.
 */
export function createProject(app: AppContext, caller: Caller, scope: OrganisationScope, name: string) {
  const message = `Project "${name}" already exists in organisation "${scope.organisation}"; choose another name`;
  return createUnique(app.db, { message, name }, async (tx) => {
    await requireRoom(tx, 'project', organisationOwner(scope));
    const params = [app.newId(), scope.organisationId, name, app.clock.now()] as const;
    const row = single(await tx.run(store.insertProject, params));
    await recordChange(tx, app, caller, { ...scope, projectId: row.id }, 'project.created', name, {
      after: { name },
    });
    return row;
  });
}

export async function getProject(app: AppContext, scope: ProjectScope): Promise<Project> {
  const [row] = await app.db.run(store.findProject, [scope.projectId]);
  if (row === undefined) throw notFound(`Project "${scope.project}"`);
  return row;
}

/** Changes a project's description; absent fields keep their values, `metadata` is replaced as a whole. */
export function updateProject(
  app: AppContext,
  caller: Caller,
  scope: ProjectScope,
  request: { readme?: string; description?: string; metadata?: store.ProjectMetadata | undefined },
): Promise<Project> {
  return app.db.transaction(async (tx) => {
    const [row] = await tx.run(store.lockProject, [scope.projectId]);
    if (row === undefined) throw notFound(`Project "${scope.project}"`);
    const { id, ...before } = row;
    const after = {
      ...before,
      readme: request.readme ?? row.readme,
      description: request.description ?? row.description,
      ...request.metadata,
    };
    await tx.run(store.updateProject, [id, JSON.stringify(after)]);
    await recordChange(tx, app, caller, scope, 'project.updated', row.name, { before, after });
    return { id, ...after };
  });
}
