import { statement } from '#server/db/database.ts';
import type { TypeName } from '#server/destinations/destination-type.ts';
import type { StoredMetadata } from './encrypted-metadata.ts';

export interface DestinationRow extends StoredMetadata {
  readonly id: string;
  readonly name: string;
  readonly environment: string;
  readonly type: TypeName;
  /** Seconds for which a cancelled or timed-out delivery occupies it; null for the defaults. */
  readonly gracePeriodSeconds: number | null;
  /** Raised by the database when its address or settings change. */
  readonly revision: number;
}

export interface SealedRow extends Pick<DestinationRow, 'id' | 'name' | 'metadata'> {
  readonly organisation: string;
  readonly secrets: string;
}

const COLUMNS = `d.id, d.name, e.name as environment, d.metadata, d.secrets,
  json_build_object('organisation', d.type_organisation, 'name', d.type_name, 'version', d.type_version) as type,
  d.grace_period_seconds as "gracePeriodSeconds", d.revision`;

/** Names who changes destinations in this transaction, for their revisions (0035_destination_revisions.sql). */
export const nameChanger = statement<[username: string]>(
  'destinations.name_changer',
  "select set_config('forage.changed_by', $1, true)",
);

export const insertDestination = statement<
  [string, string, string, string, string, string, string | null, number | null, Date]
>(
  'destinations.insert',
  `insert into destinations
     (id, organisation_id, environment_id, name, type_organisation, type_name, type_version, metadata, secrets,
      grace_period_seconds, created_at)
   select $1, $2, $3, $4, type.organisation, type.name, type.version, $6::jsonb, $7, $8, $9
     from jsonb_to_record($5::jsonb) as type (organisation text, name text, version bigint)`,
);

const lockBy = (name: string, strength: 'update' | 'no key update') =>
  statement<[organisationId: string, name: string], DestinationRow>(
    `destinations.lock_to_${name}`,
    `select ${COLUMNS} from destinations d join environments e on e.id = d.environment_id
      where d.organisation_id = $1 and d.name = $2 and d.deleted_at is null for ${strength} of d`,
  );

/** Does not block deliveries, which lock places before they refer to the destination. */
export const lockToUpdate = lockBy('update', 'no key update');
/** Also blocks transactions that are about to queue a release on it. */
export const lockToDelete = lockBy('delete', 'update');

export const updateMetadata = statement<[id: string, metadata: string, secrets: string | null]>(
  'destinations.update_metadata',
  'update destinations set metadata = $2::jsonb, secrets = $3 where id = $1',
);

/** Also sets the grace period; null keeps it. */
export const updateDestination = statement<
  [id: string, metadata: string, secrets: string | null, gracePeriodSeconds: number | null]
>(
  'destinations.update',
  `update destinations set metadata = $2::jsonb, secrets = $3, grace_period_seconds = coalesce($4, grace_period_seconds)
    where id = $1`,
);

/** Makes uncertain what the destination runs of each project. */
export const doubtPlaces = statement<[id: string, doubt: string, now: Date]>(
  'destinations.doubt_places',
  `select doubt_place(destination_id, project_id, $2, nextval('moments'), $3) from places where destination_id = $1`,
);

/** Whether a release is queued or running on the destination. */
export const isBusy = statement<[id: string], { busy: boolean }>(
  'destinations.is_busy',
  `select exists (select 1 from releases where destination_id = $1 and status = 'QUEUED')
       or exists (select 1 from releases where destination_id = $1 and status in ('ASSIGNED', 'RUNNING')) as busy`,
);

/** Marks the destination as deleted and removes its metadata and secrets; past releases still refer to it. */
export const deleteDestination = statement<[id: string, at: Date]>(
  'destinations.delete',
  `update destinations set deleted_at = $2, metadata = '{}', secrets = null where id = $1`,
);

export const listDestinations = statement<
  [organisationId: string, afterName: string | null, limit: number],
  DestinationRow
>(
  'destinations.list',
  `select ${COLUMNS} from destinations d join environments e on e.id = d.environment_id
    where d.organisation_id = $1 and d.deleted_at is null and ($2::text is null or d.name > $2)
    order by d.name limit $3`,
);

/** The ids of the keys that encrypt the stored secrets. */
export const listKeyIds = statement<[], { keyId: string }>(
  'destinations.list_key_ids',
  `select distinct split_part(secrets, ':', 2) as "keyId" from destinations where secrets is not null order by 1`,
);

/** Locks the destinations that have one of these fields unencrypted. */
export const lockUnencrypted = statement<[secretFields: readonly string[]], DestinationRow>(
  'destinations.lock_unencrypted',
  `select ${COLUMNS} from destinations d join environments e on e.id = d.environment_id
    where d.metadata ?| $1::text[] and d.deleted_at is null order by d.id for update of d`,
);

/** Locks all destinations with secrets. */
export const lockSealed = statement<[], SealedRow>(
  'destinations.lock_sealed',
  `select d.id, d.name, o.name as organisation, d.metadata, d.secrets
     from destinations d join organisations o on o.id = d.organisation_id
    where d.secrets is not null order by d.id for update of d`,
);
