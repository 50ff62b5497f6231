import { type Executor, statement } from '#server/db/database.ts';

export interface DestinationRow {
  readonly id: string;
  readonly name: string;
  readonly environment: string;
  readonly typeOrganisation: string;
  readonly typeName: string;
  readonly typeVersion: number;
  /** Without the secret fields, which are encrypted in `secrets`. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly secrets: string | null;
}

export interface SealedRow extends Pick<DestinationRow, 'id' | 'name' | 'metadata' | 'secrets'> {
  readonly organisation: string;
}

interface Stored {
  readonly metadata: Readonly<Record<string, string>>;
  readonly secrets: string | null;
}

const COLUMNS = `d.id, d.name, e.name as environment, d.type_organisation as "typeOrganisation",
  d.type_name as "typeName", d.type_version as "typeVersion", d.metadata, d.secrets`;

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
    secrets: string | null,
    at: Date,
  ]
>(
  'destinations.insert',
  `insert into destinations
     (id, organisation_id, environment_id, name, type_organisation, type_name, type_version, metadata, secrets,
      created_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9, $10)`,
);

const LOCK = statement<[organisationId: string, name: string], DestinationRow>(
  'destinations.lock',
  `select ${COLUMNS} from destinations d join environments e on e.id = d.environment_id
    where d.organisation_id = $1 and d.name = $2 and d.deleted_at is null for update of d`,
);

const UPDATE = statement<[id: string, metadata: string, secrets: string | null]>(
  'destinations.update',
  'update destinations set metadata = $2::jsonb, secrets = $3 where id = $1',
);

const IS_BUSY = statement<[id: string], { busy: boolean }>(
  'destinations.is_busy',
  `select exists (select 1 from releases where destination_id = $1 and status = 'QUEUED')
       or exists (select 1 from releases where destination_id = $1 and status in ('ASSIGNED', 'RUNNING')) as busy`,
);

const RETIRE = statement<[id: string, at: Date]>(
  'destinations.retire',
  // A secret that is needed no more is not kept.
  `update destinations set deleted_at = $2, metadata = '{}', secrets = null where id = $1`,
);

const PAGE = statement<[organisationId: string, afterName: string, limit: number], DestinationRow>(
  'destinations.page',
  `select ${COLUMNS} from destinations d join environments e on e.id = d.environment_id
    where d.organisation_id = $1 and d.deleted_at is null and d.name > $2
    order by d.name limit $3`,
);

const KEY_IDS = statement<[], { keyId: string }>(
  'destinations.key_ids',
  `select distinct split_part(secrets, ':', 2) as "keyId" from destinations where secrets is not null order by 1`,
);

const LOCK_PLAIN = statement<[secretFields: readonly string[]], DestinationRow>(
  'destinations.lock_plain',
  `select ${COLUMNS} from destinations d join environments e on e.id = d.environment_id
    where d.metadata ?| $1::text[] and d.deleted_at is null order by d.id for update of d`,
);

const LOCK_SEALED = statement<[], SealedRow>(
  'destinations.lock_sealed',
  `select d.id, d.name, o.name as organisation, d.metadata, d.secrets
     from destinations d join organisations o on o.id = d.organisation_id
    where d.secrets is not null order by d.id for update of d`,
);

export async function insertDestination(
  executor: Executor,
  row: {
    id: string;
    organisationId: string;
    environmentId: string;
    name: string;
    type: { organisation: string; name: string; version: number };
    stored: Stored;
    at: Date;
  },
): Promise<void> {
  const { id, organisationId, environmentId, name, type, stored, at } = row;
  await executor.run(INSERT, [
    id,
    organisationId,
    environmentId,
    name,
    type.organisation,
    type.name,
    type.version,
    JSON.stringify(stored.metadata),
    stored.secrets,
    at,
  ]);
}

export async function lockByName(executor: Executor, organisationId: string, name: string) {
  return (await executor.run(LOCK, [organisationId, name]))[0];
}

export async function updateMetadata(
  executor: Executor,
  id: string,
  { metadata, secrets }: Stored,
): Promise<void> {
  await executor.run(UPDATE, [id, JSON.stringify(metadata), secrets]);
}

/** The ids of the keys that secrets were encrypted with. */
export async function keyIdsInUse(executor: Executor): Promise<string[]> {
  return (await executor.run(KEY_IDS, [])).map(({ keyId }) => keyId);
}

/** Living destinations that have one of these fields in the clear, locked. */
export function lockPlain(executor: Executor, secretFields: readonly string[]): Promise<DestinationRow[]> {
  return executor.run(LOCK_PLAIN, [secretFields]);
}

/** All destinations with secrets, locked. */
export function lockSealed(executor: Executor): Promise<SealedRow[]> {
  return executor.run(LOCK_SEALED, []);
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
