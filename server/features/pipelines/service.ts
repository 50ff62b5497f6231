import { validateDag } from '#domain/release/dag.ts';
import type { StageDefinition } from '#domain/release/stage.ts';
import type { AppContext } from '#server/context.ts';
import { type Executor, isUniqueViolation, type Transaction } from '#server/db/database.ts';
import { Failure, failedPrecondition, invalid, notFound } from '#server/failure.ts';
import type { Caller } from '#server/features/access/service.ts';
import { lockEnvironmentNames } from '#server/features/environments/service.ts';
import { record } from '#server/features/history/service.ts';
import type { ProjectScope } from '#server/rpc/access.ts';
import type { Page } from '#server/rpc/page.ts';
import * as store from './store.ts';

export type Pipeline = store.PipelineRow;

const remembered = ({ name, enabled, stages }: Pipeline) => ({ name, enabled, stages });

/** @throws invalid_argument naming each wrong stage: `stages[2].depends_on`. */
async function requireValid(
  tx: Transaction,
  scope: ProjectScope,
  stages: readonly StageDefinition[],
): Promise<void> {
  const environments = await lockEnvironmentNames(tx, scope.organisationId);
  const problems = validateDag(stages, environments);
  if (problems.length > 0) throw invalid(...problems);
}

/**
 * Adds a pipeline, enabled.
 * @throws invalid_argument naming what is wrong with the stages (cycles, unknown names); already_exists.
 */
export async function createPipeline(
  app: AppContext,
  caller: Caller,
  scope: ProjectScope,
  input: { name: string; stages: readonly StageDefinition[] },
): Promise<Pipeline> {
  try {
    return await app.db.transaction(async (tx) => {
      await requireValid(tx, scope, input.stages);
      const { projectId } = scope;
      const row = await store.insertPipeline(tx, {
        id: app.newId(),
        projectId,
        at: app.clock.now(),
        ...input,
      });
      if (row === undefined) throw new Error('an inserted pipeline came back as no row');
      await record(tx, app, {
        organisationId: scope.organisationId,
        projectId,
        kind: 'pipeline.created',
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
      `pipeline "${input.name}" exists already in project "${scope.project}"; choose another name`,
    );
  }
}

/**
 * Switches a pipeline on or off, or replaces its stages; what is absent stays. Releases that are under way run their own
 * copy and are not touched.
 * @throws not_found; invalid_argument naming what is wrong with the stages.
 */
export function updatePipeline(
  app: AppContext,
  caller: Caller,
  scope: ProjectScope,
  input: {
    name: string;
    enabled?: boolean | undefined;
    stages?: readonly StageDefinition[] | undefined;
  },
): Promise<Pipeline> {
  return app.db.transaction(async (tx) => {
    const before = await store.lockByName(tx, scope.projectId, input.name);
    if (before === undefined) throw notFound(`pipeline "${input.name}"`);
    if (input.stages !== undefined) await requireValid(tx, scope, input.stages);
    const after = await store.updatePipeline(tx, {
      id: before.id,
      enabled: input.enabled ?? before.enabled,
      stages: input.stages ?? before.stages,
      at: app.clock.now(),
    });
    if (after === undefined) throw notFound(`pipeline "${input.name}"`);
    await record(tx, app, {
      organisationId: scope.organisationId,
      projectId: scope.projectId,
      kind: 'pipeline.updated',
      actor: caller,
      subject: after.name,
      before: remembered(before),
      after: remembered(after),
    });
    return after;
  });
}

/** Deletes a pipeline; releases that are under way run their own copy to the end. @throws not_found */
export function deletePipeline(
  app: AppContext,
  caller: Caller,
  scope: ProjectScope,
  name: string,
): Promise<void> {
  return app.db.transaction(async (tx) => {
    const row = await store.lockByName(tx, scope.projectId, name);
    if (row === undefined) throw notFound(`pipeline "${name}"`);
    await store.deletePipeline(tx, row.id);
    await record(tx, app, {
      organisationId: scope.organisationId,
      projectId: scope.projectId,
      kind: 'pipeline.deleted',
      actor: caller,
      subject: name,
      before: remembered(row),
    });
  });
}

/** The project's pipelines by name: one more than `limit` when there are more. */
export function listPipelines(app: AppContext, scope: ProjectScope, page: Page): Promise<Pipeline[]> {
  return store.listPage(app.db, scope.projectId, page.after?.[0] ?? null, page.limit + 1);
}

/** The project's enabled pipelines by name, at most `limit`. */
export function listEnabledPipelines(
  app: AppContext,
  scope: ProjectScope,
  limit: number,
): Promise<Pipeline[]> {
  return store.findEnabled(app.db, scope.projectId, limit);
}

/**
 * The pipeline that a release runs: the named one, or with null the project's only enabled one.
 * @throws not_found for an unknown name; failed_precondition when it is disabled, or when without a name none or
 * several are enabled.
 */
export async function findPipeline(
  executor: Executor,
  projectId: string,
  name: string | null,
): Promise<Pipeline> {
  if (name !== null) {
    const row = await store.findByName(executor, projectId, name);
    if (row === undefined) throw notFound(`pipeline "${name}"`);
    if (!row.enabled) {
      throw failedPrecondition(`pipeline "${name}" is disabled; an admin can enable it`);
    }
    return row;
  }
  // Two are enough to know whether there is just one.
  const [only, another] = await store.findEnabled(executor, projectId, 2);
  if (only === undefined) {
    throw failedPrecondition(
      'the project has no enabled pipeline; create or enable one, or release to an environment',
    );
  }
  if (another !== undefined) {
    throw failedPrecondition(
      `the project has several enabled pipelines ("${only.name}", "${another.name}"…); name the one to use`,
    );
  }
  return only;
}
