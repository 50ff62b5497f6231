import { type Executor, statement } from '#server/db/database.ts';

export interface DestinationRow {
  readonly id: string;
  readonly name: string;
  readonly environment: string;
  readonly typeOrganisation: string;
  readonly typeName: string;
  readonly typeVersion: number;
  readonly metadata: Readonly<Record<string, string>>;
}

const COLUMNS = `d.id, d.name, e.name as environment, d.type_organisation as "typeOrganisation",
  d.type_name as "typeName", d.type_version as "typeVersion", d.metadata`;

const INSERT = statement<
  [
    id: string,
    organisationId: string,
    environmentId: string,
    name: string,
    typeOrganisation: string,
    typeName: string,
    typeVersion: number,
    metadata: string,
    at: Date,
  ]
>(
  'destinations.insert',
  `insert into destinations
     (id, organisation_id, environment_id, name, type_organisation, type_name, type_version, metadata, created_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9)`,
);

const LOCK = statement<[organisationId: string, name: string], DestinationRow>(
  'destinations.lock',
  `select ${COLUMNS} from destinations d join environments e on e.id = d.environment_id
    where d.organisation_id = $1 and d.name = $2 and d.deleted_at is null for update of d`,
);

const UPDATE = statement<[id: string, metadata: string]>(
  'destinations.update',
  'update destinations set metadata = $2::jsonb where id = $1',
);

const IS_BUSY = statement<[id: string], { busy: boolean }>(
  'destinations.is_busy',
  `select exists (select 1 from releases where destination_id = $1 and status = 'QUEUED')
       or exists (select 1 from releases where destination_id = $1 and status in ('ASSIGNED', 'RUNNING')) as busy`,
);

const RETIRE = statement<[id: string, at: Date]>(
  'destinations.retire',
  // A secret that is needed no more is not kept.
  `update destinations set deleted_at = $2, metadata = '{}' where id = $1`,
);

const PAGE = statement<[organisationId: string, afterName: string, limit: number], DestinationRow>(
  'destinations.page',
  `select ${COLUMNS} from destinations d join environments e on e.id = d.environment_id
    where d.organisation_id = $1 and d.deleted_at is null and d.name > $2
    order by d.name limit $3`,
);

export async function insertDestination(
  executor: Executor,
  row: {
    id: string;
    organisationId: string;
    environmentId: string;
    name: string;
    type: { organisation: string; name: string; version: number };
    metadata: Readonly<Record<string, string>>;
    at: Date;
  },
): Promise<void> {
  const { id, organisationId, environmentId, name, type, metadata, at } = row;
  await executor.run(INSERT, [
    id,
    organisationId,
    environmentId,
    name,
    type.organisation,
    type.name,
    type.version,
    JSON.stringify(metadata),
    at,
  ]);
}

export async function lockByName(executor: Executor, organisationId: string, name: string) {
  return (await executor.run(LOCK, [organisationId, name]))[0];
}

export async function updateMetadata(
  executor: Executor,
  id: string,
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  await executor.run(UPDATE, [id, JSON.stringify(metadata)]);
}

export async function isBusy(executor: Executor, id: string): Promise<boolean> {
  return (await executor.run(IS_BUSY, [id]))[0]?.busy === true;
}

export async function retire(executor: Executor, id: string, at: Date): Promise<void> {
  await executor.run(RETIRE, [id, at]);
}

export function listPage(
  executor: Executor,
  organisationId: string,
  afterName: string | null,
  limit: number,
): Promise<DestinationRow[]> {
  // No name is empty, so the empty text is the place before the first one.
  return executor.run(PAGE, [organisationId, afterName ?? '', limit]);
}
