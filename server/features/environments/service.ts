import type { AppContext } from '#server/context.ts';
import { type Executor, single, type Transaction } from '#server/db/database.ts';
import { failedPrecondition, notFound } from '#server/failure.ts';
import type { Caller } from '#server/features/access/service.ts';
import { recordChange } from '#server/features/history/service.ts';
import { organisationOwner, requireRoom } from '#server/features/limits/service.ts';
import { createUnique } from '#server/wire/create-unique.ts';
import { nextPageToken, type Page } from '#server/wire/pages.ts';
import type { OrganisationScope } from '#server/wire/scopes.ts';
import * as store from './store.ts';

export type Environment = store.EnvironmentRow;

async function lock(tx: Transaction, scope: OrganisationScope, id: string): Promise<Environment> {
  const [row] = await tx.run(store.lockEnvironment, [scope.organisationId, id]);
  if (row === undefined) throw notFound(`Environment "${id}"`);
  return row;
}

const historyState = ({ name, description, sortOrder }: Environment) => ({ name, description, sortOrder });

/**
 * Creates an environment. Its name is unique in the organisation and never changes, because policies, pipelines and past
 * releases refer to it.
 * @throws Failure already_exists when the name is in use; resource_exhausted when the organisation has 200.
 */
export function createEnvironment(
  app: AppContext,
  caller: Caller,
  scope: OrganisationScope,
  request: { readonly name: string; readonly description: string | null; readonly sortOrder: number },
): Promise<Environment> {
  const { name, description, sortOrder } = request;
  const message = `Environment "${name}" already exists in organisation "${scope.organisation}"; choose another name`;
  return createUnique(app.db, { message, name }, async (tx) => {
    await requireRoom(tx, 'environment', organisationOwner(scope));
    const values = [name, description, sortOrder, app.clock.now()] as const;
    const params = [app.newId(), scope.organisationId, ...values] as const;
    const row = single(await tx.run(store.insertEnvironment, params));
    await recordChange(tx, app, caller, scope, 'environment.created', name, { after: historyState(row) });
    return row;
  });
}

/** One environment of the organisation. @throws Failure not_found */
export async function getEnvironment(
  app: AppContext,
  scope: OrganisationScope,
  by: { readonly id: string } | { readonly name: string },
): Promise<Environment> {
  const { id, name } = { id: null, name: null, ...by };
  const [row] = await app.db.run(store.findEnvironment, [scope.organisationId, id, name]);
  if (row === undefined) throw notFound(`Environment "${id ?? name}"`);
  return row;
}

/** An environment with the names of its destinations that make no plans; the first 20. */
export interface ListedEnvironment extends Environment {
  readonly cannotPlan: readonly string[];
}

/** A page of the organisation's environments, by `sort_order`, then name. */
export async function listEnvironments(app: AppContext, scope: OrganisationScope, page: Page) {
  const [order, name = null] = page.after ?? [];
  const after = [order === undefined ? null : Number(order), name] as const;
  const found = await app.db.run(store.listEnvironments, [scope.organisationId, ...after, page.limit + 1]);
  const { rows, ...next } = nextPageToken(found, page.limit, (row) => [String(row.sortOrder), row.name]);
  const without = await app.db.run(store.listWithoutPlans, [rows.map(({ id }) => id)]);
  const unable = without.filter(({ type }) => !(app.destinationTypes.find(type)?.canPlan(false) ?? false));
  const namesIn = (id: string) =>
    unable.flatMap(({ environmentId, names }) => (environmentId === id ? names : []));
  const listed = rows.map((row): ListedEnvironment => ({ ...row, cannotPlan: namesIn(row.id).slice(0, 20) }));
  return { rows: listed, ...next };
}

/** Changes the description or the sort order; absent fields keep their values. @throws Failure not_found */
export function updateEnvironment(
  app: AppContext,
  caller: Caller,
  scope: OrganisationScope,
  request: { readonly id: string; readonly description?: string; readonly sortOrder?: number },
): Promise<Environment> {
  return app.db.transaction(async (tx) => {
    const before = await lock(tx, scope, request.id);
    const change = [before.id, request.description ?? null, request.sortOrder ?? null] as const;
    const after = single(await tx.run(store.updateEnvironment, change));
    await recordChange(tx, app, caller, scope, 'environment.updated', after.name, {
      before: historyState(before),
      after: historyState(after),
    });
    return after;
  });
}

/**
 * Deletes an environment that nothing refers to.
 * @throws Failure failed_precondition, naming the destinations, policies (enabled or not), pipelines and active releases
 * that use it; not_found.
 */
export function deleteEnvironment(app: AppContext, caller: Caller, scope: OrganisationScope, id: string) {
  return app.db.transaction(async (tx) => {
    const row = await lock(tx, scope, id);
    const found = await tx.run(store.listUses, [scope.organisationId, row.id, row.name]);
    if (found.length > 0) {
      const uses = found.map(({ description }) => description);
      const named = uses.length > 5 ? [...uses.slice(0, 5), 'more'] : uses;
      throw failedPrecondition(
        `Environment "${row.name}" is in use by ${named.join(', ')}; remove or change these first`,
      );
    }
    await tx.run(store.deleteEnvironment, [row.id]);
    await recordChange(tx, app, caller, scope, 'environment.deleted', row.name, {
      before: historyState(row),
    });
  });
}

/**
 * The names of the organisation's environments, in order, protected from deletion until the transaction ends: for rules
 * that refer to environments by name.
 */
export async function lockEnvironmentNames(tx: Transaction, organisationId: string): Promise<string[]> {
  return (await tx.run(store.lockEnvironmentNames, [organisationId])).map(({ name }) => name);
}

/** The environment with that name, if there is one. */
export async function findEnvironment(
  executor: Executor,
  organisationId: string,
  name: string,
): Promise<Environment | undefined> {
  return (await executor.run(store.findEnvironment, [organisationId, null, name]))[0];
}
