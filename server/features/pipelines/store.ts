import type { StageDefinition } from '#domain/release/stage.ts';
import { statement } from '#server/db/database.ts';

export interface PipelineRow {
  readonly id: string;
  readonly name: string;
  readonly enabled: boolean;
  readonly stages: readonly StageDefinition[];
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Raised by each change. */
  readonly version: number;
}

const COLUMNS = `id, name, enabled, stages, created_at as "createdAt", updated_at as "updatedAt", version`;

export const insertPipeline = statement<
  [id: string, projectId: string, name: string, stages: string, at: Date],
  PipelineRow
>(
  'pipelines.insert',
  `insert into release_pipelines (id, project_id, name, enabled, stages, created_at, updated_at)
   values ($1, $2, $3, true, $4::jsonb, $5, $5) returning ${COLUMNS}`,
);

export const findPipeline = statement<[projectId: string, name: string], PipelineRow>(
  'pipelines.find',
  `select ${COLUMNS} from release_pipelines where project_id = $1 and name = $2`,
);

export const lockPipeline = statement<[projectId: string, name: string], PipelineRow>(
  'pipelines.lock',
  `select ${COLUMNS} from release_pipelines where project_id = $1 and name = $2 for update`,
);

export const listEnabledPipelines = statement<[projectId: string, limit: number], PipelineRow>(
  'pipelines.list_enabled',
  `select ${COLUMNS} from release_pipelines where project_id = $1 and enabled order by name limit $2`,
);

export const listPipelines = statement<
  [projectId: string, afterName: string | null, limit: number],
  PipelineRow
>(
  'pipelines.list',
  `select ${COLUMNS} from release_pipelines
    where project_id = $1 and ($2::text is null or name > $2) order by name limit $3`,
);

export const updatePipeline = statement<
  [id: string, enabled: boolean, stages: string, at: Date],
  PipelineRow
>(
  'pipelines.update',
  `update release_pipelines set enabled = $2, stages = $3::jsonb, updated_at = $4 where id = $1 returning ${COLUMNS}`,
);

export const deletePipeline = statement<[id: string]>(
  'pipelines.delete',
  'delete from release_pipelines where id = $1',
);
