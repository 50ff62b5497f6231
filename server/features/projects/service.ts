import type { AppContext } from '#server/context.ts';
import { isUniqueViolation } from '#server/db/database.ts';
import { Failure, notFound } from '#server/failure.ts';
import type { Caller } from '#server/features/access/service.ts';
import { record } from '#server/features/history/service.ts';
import type { OrganisationScope, ProjectScope } from '#server/rpc/access.ts';
import type { Page } from '#server/rpc/page.ts';
import * as store from './store.ts';

export type Project = store.ProjectRow;
export type ProjectMetadata = store.ProjectMetadata;

/** The names of the organisations that the caller is a member of, by name. */
export function listOwnOrganisations(app: AppContext, caller: Caller): Promise<string[]> {
  return store.organisationNames(app.db, caller.userId);
}

/** The names of the organisation's projects, by name: one more than `limit` when there are more. */
export function listProjects(app: AppContext, scope: OrganisationScope, page: Page): Promise<string[]> {
  return store.listNames(app.db, scope.organisationId, page.after?.[0] ?? null, page.limit + 1);
}

/**
 * Adds a project.
 * @throws already_exists when the organisation has a project of that name.
 */
export async function createProject(
  app: AppContext,
  caller: Caller,
  scope: OrganisationScope,
  name: string,
): Promise<Project> {
  try {
    return await app.db.transaction(async (tx) => {
      const row = await store.insertProject(tx, app.newId(), scope.organisationId, name, app.clock.now());
      if (row === undefined) throw new Error('an inserted project came back as no row');
      await record(tx, app, {
        organisationId: scope.organisationId,
        projectId: row.id,
        kind: 'project.created',
        actor: caller,
        subject: name,
        after: { name },
      });
      return row;
    });
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new Failure(
      'already_exists',
      `project "${name}" exists already in organisation "${scope.organisation}"; choose another name`,
    );
  }
}

/** The project that the request was let into. */
export async function getProject(app: AppContext, scope: ProjectScope): Promise<Project> {
  const row = await store.findById(app.db, scope.projectId);
  if (row === undefined) throw notFound(`project "${scope.project}"`);
  return row;
}

/** Changes what is told about a project; what is absent stays, `metadata` is replaced as a whole. */
export function updateProject(
  app: AppContext,
  caller: Caller,
  scope: ProjectScope,
  input: {
    readme?: string | undefined;
    description?: string | undefined;
    metadata?: ProjectMetadata | undefined;
  },
): Promise<Project> {
  return app.db.transaction(async (tx) => {
    const row = await store.lockById(tx, scope.projectId);
    if (row === undefined) throw notFound(`project "${scope.project}"`);
    const next: Project = {
      ...row,
      readme: input.readme ?? row.readme,
      description: input.description ?? row.description,
      ...(input.metadata ?? {}),
    };
    await store.updateProject(tx, next);
    const { id: _id, ...before } = row;
    const { id: _same, ...after } = next;
    await record(tx, app, {
      organisationId: scope.organisationId,
      projectId: row.id,
      kind: 'project.updated',
      actor: caller,
      subject: row.name,
      before,
      after,
    });
    return next;
  });
}
