import { validateDag } from '#domain/release/dag.ts';
import type { StageDefinition } from '#domain/release/stage.ts';
import type { AppContext } from '#server/context.ts';
import { type Executor, single, type Transaction } from '#server/db/database.ts';
import { failedPrecondition, invalid, notFound, requireVersion } from '#server/failure.ts';
import type { Caller } from '#server/features/access/service.ts';
import { lockEnvironmentNames } from '#server/features/environments/service.ts';
import { recordChange } from '#server/features/history/service.ts';
import { projectOwner, requireRoom } from '#server/features/limits/service.ts';
import { createUnique } from '#server/wire/create-unique.ts';
import { nextPageToken, type Page } from '#server/wire/pages.ts';
import type { ProjectScope } from '#server/wire/scopes.ts';
import * as store from './store.ts';

export type Pipeline = store.PipelineRow;

const historyState = ({ name, enabled, stages }: Pipeline) => ({ name, enabled, stages });

/** @throws Failure invalid_argument naming each wrong stage: `stages[2].depends_on`. */
async function requireValid(tx: Transaction, scope: ProjectScope, stages: readonly StageDefinition[]) {
  const environments = await lockEnvironmentNames(tx, scope.organisationId);
  const problems = validateDag(stages, environments);
  if (problems.length > 0) throw invalid(...problems);
}

async function lock(tx: Transaction, scope: ProjectScope, name: string): Promise<Pipeline> {
  const [row] = await tx.run(store.lockPipeline, [scope.projectId, name]);
  if (row === undefined) throw notFound(`Pipeline "${name}"`);
  return row;
}

/**
 * Creates an enabled pipeline.
 * @throws Failure invalid_argument naming what is wrong with the stages (cycles, unknown names); already_exists; resource_exhausted
 * when the project has 100.
 */
export function createPipeline(
  app: AppContext,
  caller: Caller,
  scope: ProjectScope,
  request: { readonly name: string; readonly stages: readonly StageDefinition[] },
): Promise<Pipeline> {
  const { name, stages } = request;
  const message = `Pipeline "${name}" already exists in project "${scope.project}"; choose another name`;
  return createUnique(app.db, { message }, async (tx) => {
    await requireRoom(tx, 'pipeline', projectOwner(scope));
    await requireValid(tx, scope, stages);
    const params = [app.newId(), scope.projectId, name, JSON.stringify(stages), app.clock.now()] as const;
    const row = single(await tx.run(store.insertPipeline, params));
    await recordChange(tx, app, caller, scope, 'pipeline.created', name, { after: historyState(row) });
    return row;
  });
}

/**
 * Enables or disables a pipeline, or replaces its stages; absent fields keep their values. Active releases run their own
 * copy and do not change.
 * @throws Failure not_found; aborted when the pipeline has another version than the caller expects; invalid_argument naming what
 * is wrong with the stages.
 */
export function updatePipeline(
  app: AppContext,
  caller: Caller,
  scope: ProjectScope,
  request: {
    name: string;
    enabled?: boolean;
    stages?: readonly StageDefinition[] | undefined;
    /** The version that the caller has seen; null when it does not matter. */
    expectedVersion: bigint | null;
  },
): Promise<Pipeline> {
  const { name } = request;
  return app.db.transaction(async (tx) => {
    const before = await lock(tx, scope, name);
    requireVersion(`Pipeline "${name}"`, before.version, request.expectedVersion);
    const { enabled = before.enabled, stages = before.stages } = request;
    if (request.stages !== undefined) await requireValid(tx, scope, stages);
    const params = [before.id, enabled, JSON.stringify(stages), app.clock.now()] as const;
    const after = single(await tx.run(store.updatePipeline, params));
    await recordChange(tx, app, caller, scope, 'pipeline.updated', name, {
      before: historyState(before),
      after: historyState(after),
    });
    return after;
  });
}

/** Deletes a pipeline; active releases run their own copy to the end. @throws Failure not_found */
export function deletePipeline(app: AppContext, caller: Caller, scope: ProjectScope, name: string) {
  return app.db.transaction(async (tx) => {
    const row = await lock(tx, scope, name);
    await tx.run(store.deletePipeline, [row.id]);
    await recordChange(tx, app, caller, scope, 'pipeline.deleted', name, { before: historyState(row) });
  });
}

/** A page of the project's pipelines, by name. */
export async function listPipelines(app: AppContext, scope: ProjectScope, page: Page) {
  const params = [scope.projectId, page.after?.[0] ?? null, page.limit + 1] as const;
  return nextPageToken(await app.db.run(store.listPipelines, params), page.limit, ({ name }) => [name]);
}

/** The project's enabled pipelines by name, at most `limit`. */
export const listEnabledPipelines = (app: AppContext, scope: ProjectScope, limit: number) =>
  app.db.run(store.listEnabledPipelines, [scope.projectId, limit]);

/**
 * The pipeline that a release runs: the named one, or with null the project's only enabled one.
 * @throws Failure not_found for an unknown name; failed_precondition when it is disabled, or when no name is given and
 * none or several are enabled.
 */
export async function findPipeline(
  executor: Executor,
  projectId: string,
  name: string | null,
): Promise<Pipeline> {
  if (name !== null) {
    const [row] = await executor.run(store.findPipeline, [projectId, name]);
    if (row === undefined) throw notFound(`Pipeline "${name}"`);
    if (!row.enabled) throw failedPrecondition(`Pipeline "${name}" is disabled; an admin can enable it`);
    return row;
  }
  const [only, another] = await executor.run(store.listEnabledPipelines, [projectId, 2]);
  if (only === undefined) {
    throw failedPrecondition(
      'The project has no enabled pipeline; create or enable one, or release to an environment',
    );
  }
  if (another !== undefined) {
    const names = `"${only.name}", "${another.name}"…`;
    throw failedPrecondition(`The project has several enabled pipelines (${names}); set pipeline to one`);
  }
  return only;
}
