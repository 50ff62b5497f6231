import { statement } from '#server/db/database.ts';
import type { TypeName } from '#server/destinations/destination-type.ts';

export interface EnvironmentRow {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly sortOrder: number;
  readonly createdAt: Date;
}

const COLUMNS = `id, name, description, sort_order as "sortOrder", created_at as "createdAt"`;

/** Destinations of one type in an environment, of which the setting `plans` is off. */
export interface NoPlanRow {
  readonly environmentId: string;
  readonly type: TypeName;
  /** In their order; the first 20. */
  readonly names: readonly string[];
}

export const listWithoutPlans = statement<[environmentIds: readonly string[]], NoPlanRow>(
  'environments.list_without_plans',
  `select d.environment_id as "environmentId", (array_agg(d.name order by d.name))[1:20] as names,
          json_build_object('organisation', d.type_organisation, 'name', d.type_name, 'version', d.type_version) as type
     from destinations d
    where d.environment_id = any ($1::uuid[]) and d.deleted_at is null and d.metadata ->> 'plans' is distinct from 'true'
    group by d.environment_id, d.type_organisation, d.type_name, d.type_version`,
);

export const insertEnvironment = statement<
  [string, string, string, string | null, number, Date],
  EnvironmentRow
>(
  'environments.insert',
  `insert into environments (id, organisation_id, name, description, sort_order, created_at)
   values ($1, $2, $3, $4, $5, $6) returning ${COLUMNS}`,
);

/** By id or by name; the other is null. */
export const findEnvironment = statement<
  [organisationId: string, id: string | null, name: string | null],
  EnvironmentRow
>(
  'environments.find',
  `select ${COLUMNS} from environments where organisation_id = $1 and (id = $2::uuid or name = $3::text)`,
);

export const lockEnvironment = statement<[organisationId: string, id: string], EnvironmentRow>(
  'environments.lock',
  `select ${COLUMNS} from environments where organisation_id = $1 and id = $2 for update`,
);

/** Prevents the organisation's environments from being deleted until the transaction ends. */
export const lockEnvironmentNames = statement<[organisationId: string], { name: string }>(
  'environments.lock_names',
  'select name from environments where organisation_id = $1 order by sort_order, name for key share',
);

export const listEnvironments = statement<
  [organisationId: string, afterOrder: number | null, afterName: string | null, limit: number],
  EnvironmentRow
>(
  'environments.list',
  `select ${COLUMNS} from environments
    where organisation_id = $1 and ($2::int is null or (sort_order, name) > ($2::int, $3::text))
    order by sort_order, name limit $4`,
);

/** Null keeps a value. */
export const updateEnvironment = statement<
  [id: string, description: string | null, sortOrder: number | null],
  EnvironmentRow
>(
  'environments.update',
  `update environments set description = coalesce($2, description), sort_order = coalesce($3, sort_order)
    where id = $1 returning ${COLUMNS}`,
);

/** What refers to the environment, at most six descriptions. */
export const listUses = statement<
  [organisationId: string, environmentId: string, name: string],
  { description: string }
>(
  'environments.list_uses',
  `select description from (
     select 1 as rank, 'destination "' || d.name || '"' as description
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
     select 4, 'an active release of project "' || pr.name || '"'
       from projects pr
      where pr.organisation_id = $1
        and exists (select 1 from release_intents i join stages s on s.release_intent_id = i.id
                     where i.project_id = pr.id and i.status = 'ACTIVE' and s.environment = $3
                       and s.status in ('PENDING', 'ACTIVE', 'AWAITING_APPROVAL'))
   ) uses order by rank, description limit 6`,
);

export const deleteEnvironment = statement<[id: string]>(
  'environments.delete',
  'delete from environments where id = $1',
);
