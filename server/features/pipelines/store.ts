import type { StageDefinition } from '#domain/release/stage.ts';
import { type Executor, statement } from '#server/db/database.ts';

export interface PipelineRow {
  readonly id: string;
  readonly name: string;
  readonly enabled: boolean;
  readonly stages: readonly StageDefinition[];
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const COLUMNS = `id, name, enabled, stages, created_at as "createdAt", updated_at as "updatedAt"`;

const INSERT = statement<
  [id: string, projectId: string, name: string, stages: string, at: Date],
  PipelineRow
>(
  'pipelines.insert',
  `insert into release_pipelines (id, project_id, name, enabled, stages, created_at, updated_at)
   values ($1, $2, $3, true, $4::jsonb, $5, $5) returning ${COLUMNS}`,
);

const BY_NAME = statement<[projectId: string, name: string], PipelineRow>(
  'pipelines.by_name',
  `select ${COLUMNS} from release_pipelines where project_id = $1 and name = $2`,
);

const LOCK = statement<[projectId: string, name: string], PipelineRow>(
  'pipelines.lock',
  `select ${COLUMNS} from release_pipelines where project_id = $1 and name = $2 for update`,
);

const ENABLED = statement<[projectId: string, limit: number], PipelineRow>(
  'pipelines.enabled',
  `select ${COLUMNS} from release_pipelines where project_id = $1 and enabled order by name limit $2`,
);

const PAGE = statement<[projectId: string, afterName: string, limit: number], PipelineRow>(
  'pipelines.page',
  `select ${COLUMNS} from release_pipelines where project_id = $1 and name > $2 order by name limit $3`,
);

const UPDATE = statement<[id: string, enabled: boolean, stages: string, at: Date], PipelineRow>(
  'pipelines.update',
  `update release_pipelines set enabled = $2, stages = $3::jsonb, updated_at = $4 where id = $1 returning ${COLUMNS}`,
);

const DELETE = statement<[id: string]>('pipelines.delete', 'delete from release_pipelines where id = $1');

export async function insertPipeline(
  executor: Executor,
  row: { id: string; projectId: string; name: string; stages: readonly StageDefinition[]; at: Date },
) {
  const { id, projectId, name, stages, at } = row;
  return (await executor.run(INSERT, [id, projectId, name, JSON.stringify(stages), at]))[0];
}

export async function findByName(executor: Executor, projectId: string, name: string) {
  return (await executor.run(BY_NAME, [projectId, name]))[0];
}

export async function lockByName(executor: Executor, projectId: string, name: string) {
  return (await executor.run(LOCK, [projectId, name]))[0];
}

/** The project's enabled pipelines by name, at most `limit`. */
export function findEnabled(executor: Executor, projectId: string, limit: number): Promise<PipelineRow[]> {
  return executor.run(ENABLED, [projectId, limit]);
}

export function listPage(executor: Executor, projectId: string, afterName: string | null, limit: number) {
  // No name is empty, so the empty text is the place before the first one.
  return executor.run(PAGE, [projectId, afterName ?? '', limit]);
}

export async function updatePipeline(
  executor: Executor,
  row: { id: string; enabled: boolean; stages: readonly StageDefinition[]; at: Date },
) {
  return (await executor.run(UPDATE, [row.id, row.enabled, JSON.stringify(row.stages), row.at]))[0];
}

export async function deletePipeline(executor: Executor, id: string): Promise<void> {
  await executor.run(DELETE, [id]);
}
