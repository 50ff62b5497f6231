import type { SoakRecord } from '#domain/policy/satisfiable.ts';
import { statement } from '#server/db/database.ts';

export interface PolicyRow {
  readonly id: string;
  readonly name: string;
  readonly enabled: boolean;
  readonly type: string;
  readonly targetEnvironment: string;
  readonly config: unknown;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Raised by each change. */
  readonly version: number;
}

const COLUMNS = `id, name, enabled, type, target_environment as "targetEnvironment", config, created_at as "createdAt",
  updated_at as "updatedAt", version`;

export const insertPolicy = statement<[string, string, string, string, string, string, Date], PolicyRow>(
  'policies.insert',
  `insert into policies (id, project_id, name, type, target_environment, config, created_at, updated_at)
   values ($1, $2, $3, $4, $5, $6::jsonb, $7, $7) returning ${COLUMNS}`,
);

/** Locks the policy for the rest of the transaction. */
export const lockPolicy = statement<[projectId: string, name: string], PolicyRow>(
  'policies.lock',
  `select ${COLUMNS} from policies where project_id = $1 and name = $2 for update`,
);

export const updatePolicy = statement<
  [id: string, enabled: boolean, targetEnvironment: string, config: string, now: Date],
  PolicyRow
>(
  'policies.update',
  `update policies set enabled = $2, target_environment = $3, config = $4::jsonb, updated_at = $5
    where id = $1 returning ${COLUMNS}`,
);

export const deletePolicy = statement<[id: string]>('policies.delete', 'delete from policies where id = $1');

export const listPolicies = statement<
  [projectId: string, afterName: string | null, limit: number],
  PolicyRow
>(
  'policies.list',
  `select ${COLUMNS} from policies
    where project_id = $1 and ($2::text is null or name > $2) order by name limit $3`,
);

/** How an environment kept the project's builds, over 14 days. */
export const soakRecord = statement<
  [projectId: string, environment: string, seconds: number, newerBuildsCount: boolean, now: Date],
  SoakRecord
>('policies.soak_record', 'select builds, kept from soak_record($1, $2, $3, $4, $5)');
