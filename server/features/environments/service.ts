import type { AppContext } from '#server/context.ts';
import { type Executor, isUniqueViolation, type Transaction } from '#server/db/database.ts';
import { Failure, failedPrecondition, notFound } from '#server/failure.ts';
import type { Caller } from '#server/features/access/service.ts';
import { record } from '#server/features/history/service.ts';
import type { OrganisationScope } from '#server/rpc/access.ts';
import type { Page } from '#server/rpc/page.ts';
import * as store from './store.ts';

export type Environment = store.EnvironmentRow;

const remembered = (row: Environment) => ({
  name: row.name,
  description: row.description,
  sortOrder: row.sortOrder,
});

/**
 * Adds an environment. Its name is unique in the organisation and never changes, because policies, pipelines and past
 * releases speak of it by name.
 * @throws already_exists when the name is taken.
 */
export async function createEnvironment(
  app: AppContext,
  caller: Caller,
  scope: OrganisationScope,
  input: { name: string; description: string | null; sortOrder: number },
): Promise<Environment> {
  try {
    return await app.db.transaction(async (tx) => {
      const row = await store.insertEnvironment(tx, {
        id: app.newId(),
        organisationId: scope.organisationId,
        at: app.clock.now(),
        ...input,
      });
      if (row === undefined) throw new Error('an inserted environment came back as no row');
      await record(tx, app, {
        organisationId: scope.organisationId,
        kind: 'environment.created',
        actor: caller,
        subject: row.name,
        after: remembered(row),
      });
      return row;
    });
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new Failure(
      'already_exists',
      `environment "${input.name}" exists already in organisation "${scope.organisation}"; choose another name`,
    );
  }
}

/** One environment of the organisation, by its id or its name. @throws not_found */
export async function getEnvironment(
  app: AppContext,
  scope: OrganisationScope,
  by: { id: string } | { name: string },
): Promise<Environment> {
  const row =
    'id' in by
      ? await store.findById(app.db, scope.organisationId, by.id)
      : await store.findByName(app.db, scope.organisationId, by.name);
  if (row === undefined) throw notFound(`environment "${'id' in by ? by.id : by.name}"`);
  return row;
}

/**
 * The organisation's environments in order (`sort_order`, then name): one more row than `limit` when there are more.
 * `after` is the last row's sort key, from a page token.
 */
export function listEnvironments(
  app: AppContext,
  scope: OrganisationScope,
  page: Page,
): Promise<Environment[]> {
  const [order, name] = page.after ?? [];
  const after = order === undefined || name === undefined ? null : { sortOrder: Number(order), name };
  return store.listPage(app.db, scope.organisationId, after, page.limit + 1);
}

export const sortKey = (row: Environment): readonly string[] => [String(row.sortOrder), row.name];

/** Changes the description or the place in the order; what is absent stays. @throws not_found */
export function updateEnvironment(
  app: AppContext,
  caller: Caller,
  scope: OrganisationScope,
  input: { id: string; description?: string | undefined; sortOrder?: number | undefined },
): Promise<Environment> {
  return app.db.transaction(async (tx) => {
    const before = await store.lockById(tx, scope.organisationId, input.id);
    if (before === undefined) throw notFound(`environment "${input.id}"`);
    const after = await store.updateEnvironment(
      tx,
      before.id,
      input.description ?? before.description,
      input.sortOrder ?? before.sortOrder,
    );
    if (after === undefined) throw notFound(`environment "${input.id}"`);
    await record(tx, app, {
      organisationId: scope.organisationId,
      kind: 'environment.updated',
      actor: caller,
      subject: after.name,
      before: remembered(before),
      after: remembered(after),
    });
    return after;
  });
}

/**
 * Deletes an environment that nothing speaks of.
 * @throws failed_precondition, naming the destinations, policies (enabled or not, either end), pipelines and unfinished
 * releases that use it; not_found.
 */
export function deleteEnvironment(
  app: AppContext,
  caller: Caller,
  scope: OrganisationScope,
  id: string,
): Promise<void> {
  return app.db.transaction(async (tx) => {
    const row = await store.lockById(tx, scope.organisationId, id);
    if (row === undefined) throw notFound(`environment "${id}"`);
    const uses = await store.usesOf(tx, scope.organisationId, row.id, row.name);
    if (uses.length > 0) {
      const named = uses.length > 5 ? [...uses.slice(0, 5), 'more'] : uses;
      throw failedPrecondition(
        `environment "${row.name}" is in use by ${named.join(', ')}; remove or change these first`,
      );
    }
    await store.deleteEnvironment(tx, row.id);
    await record(tx, app, {
      organisationId: scope.organisationId,
      kind: 'environment.deleted',
      actor: caller,
      subject: row.name,
      before: remembered(row),
    });
  });
}

/**
 * The names of the organisation's environments, in order, kept from deletion until the transaction ends: for rules that
 * name environments.
 */
export function lockEnvironmentNames(tx: Transaction, organisationId: string): Promise<string[]> {
  return store.lockNames(tx, organisationId);
}

/** The environment of that name, if there is one. */
export function findEnvironment(
  executor: Executor,
  organisationId: string,
  name: string,
): Promise<Environment | undefined> {
  return store.findByName(executor, organisationId, name);
}
