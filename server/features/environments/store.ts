import { type Executor, statement } from '#server/db/database.ts';

export interface EnvironmentRow {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly sortOrder: number;
  readonly createdAt: Date;
}

const COLUMNS = `id, name, description, sort_order as "sortOrder", created_at as "createdAt"`;

const INSERT = statement<
  [id: string, organisationId: string, name: string, description: string | null, sortOrder: number, at: Date],
  EnvironmentRow
>(
  'environments.insert',
  `insert into environments (id, organisation_id, name, description, sort_order, created_at)
   values ($1, $2, $3, $4, $5, $6) returning ${COLUMNS}`,
);

const BY_ID = statement<[organisationId: string, id: string], EnvironmentRow>(
  'environments.by_id',
  `select ${COLUMNS} from environments where organisation_id = $1 and id = $2`,
);

const BY_NAME = statement<[organisationId: string, name: string], EnvironmentRow>(
  'environments.by_name',
  `select ${COLUMNS} from environments where organisation_id = $1 and name = $2`,
);

const LOCK = statement<[organisationId: string, id: string], EnvironmentRow>(
  'environments.lock',
  `select ${COLUMNS} from environments where organisation_id = $1 and id = $2 for update`,
);

// Whoever writes a rule that names environments keeps them from being deleted until that rule is committed.
const NAMES_SHARED = statement<[organisationId: string], { name: string }>(
  'environments.names_shared',
  'select name from environments where organisation_id = $1 order by sort_order, name for key share',
);

const PAGE = statement<
  [organisationId: string, afterOrder: number | null, afterName: string | null, limit: number],
  EnvironmentRow
>(
  'environments.page',
  `select ${COLUMNS} from environments
    where organisation_id = $1 and ($2::int is null or (sort_order, name) > ($2::int, $3::text))
    order by sort_order, name limit $4`,
);

const UPDATE = statement<[id: string, description: string | null, sortOrder: number], EnvironmentRow>(
  'environments.update',
  `update environments set description = $2, sort_order = $3 where id = $1 returning ${COLUMNS}`,
);

const USES = statement<[organisationId: string, environmentId: string, name: string], { words: string }>(
  'environments.uses',
  `select words from (
     select 1 as rank, 'destination "' || d.name || '"' as words
       from destinations d where d.environment_id = $2 and d.deleted_at is null
     union all
     select 2, 'policy "' || p.name || '" of project "' || pr.name || '"'
       from projects pr join policies p on p.project_id = pr.id
      where pr.organisation_id = $1 and (p.target_environment = $3 or p.config ->> 'sourceEnvironment' = $3)
     union all
     select 3, 'pipeline "' || l.name || '" of project "' || pr.name || '"'
       from projects pr join release_pipelines l on l.project_id = pr.id
      where pr.organisation_id = $1
        and exists (select 1 from jsonb_array_elements(l.stages) s where s -> 'kind' ->> 'environment' = $3)
     union all
     select 4, 'a release of project "' || pr.name || '" that has not ended'
       from projects pr
      where pr.organisation_id = $1
        and exists (select 1 from release_intents i join stages s on s.release_intent_id = i.id
                     where i.project_id = pr.id and i.status = 'ACTIVE' and s.environment = $3
                       and s.status in ('PENDING', 'ACTIVE', 'AWAITING_APPROVAL'))
   ) uses order by rank, words limit 6`,
);

const DELETE = statement<[id: string]>('environments.delete', 'delete from environments where id = $1');

export async function insertEnvironment(
  executor: Executor,
  row: {
    id: string;
    organisationId: string;
    name: string;
    description: string | null;
    sortOrder: number;
    at: Date;
  },
): Promise<EnvironmentRow | undefined> {
  const { id, organisationId, name, description, sortOrder, at } = row;
  return (await executor.run(INSERT, [id, organisationId, name, description, sortOrder, at]))[0];
}

export async function findById(executor: Executor, organisationId: string, id: string) {
  return (await executor.run(BY_ID, [organisationId, id]))[0];
}

export async function findByName(executor: Executor, organisationId: string, name: string) {
  return (await executor.run(BY_NAME, [organisationId, name]))[0];
}

export async function lockById(executor: Executor, organisationId: string, id: string) {
  return (await executor.run(LOCK, [organisationId, id]))[0];
}

export async function lockNames(executor: Executor, organisationId: string): Promise<string[]> {
  return (await executor.run(NAMES_SHARED, [organisationId])).map((row) => row.name);
}

export function listPage(
  executor: Executor,
  organisationId: string,
  after: { sortOrder: number; name: string } | null,
  limit: number,
): Promise<EnvironmentRow[]> {
  return executor.run(PAGE, [organisationId, after?.sortOrder ?? null, after?.name ?? null, limit]);
}

export async function updateEnvironment(
  executor: Executor,
  id: string,
  description: string | null,
  sortOrder: number,
) {
  return (await executor.run(UPDATE, [id, description, sortOrder]))[0];
}

/** What names or lies in the environment, in words, at most six. */
export async function usesOf(executor: Executor, organisationId: string, id: string, name: string) {
  return (await executor.run(USES, [organisationId, id, name])).map((row) => row.words);
}

export async function deleteEnvironment(executor: Executor, id: string): Promise<void> {
  await executor.run(DELETE, [id]);
}
