import { statement } from '#server/db/database.ts';
import { FILE_RETENTION_DAYS, KEPT_BUILDS } from '#server/limits.ts';

export interface UploadedFile {
  readonly env: string;
  readonly destination: string;
  readonly fileName: string;
  readonly category: string;
  readonly content: string;
}

/** Serialises a user's calls that count their uploads. */
export const lockUser = statement<[userId: string]>(
  'uploads.lock_user',
  'select id from users where id = $1 for no key update',
);

/** What a user has used of their limits; no row: they have no such upload. */
export const findUsage = statement<
  [uploadId: string, userId: string, day: string, openSince: Date],
  { artifactId: string | null; bytes: number; openBytes: number; dayBytes: number }
>(
  'uploads.find_usage',
  `select u.artifact_id as "artifactId", u.bytes,
          (select coalesce(sum(o.bytes), 0)::bigint from artifact_uploads o
            where o.created_by = $2 and o.created_at > $4
              and not exists (select 1 from artifacts a where a.id = o.artifact_id)) as "openBytes",
          coalesce((select d.bytes from uploaded_bytes d where d.day = $3::date and d.user_id = $2), 0) as "dayBytes"
     from artifact_uploads u where u.id = $1 and u.created_by = $2`,
);

/** Adds to what a user has uploaded on a day, and makes their other uploads wait. No row: it would exceed the limit. */
export const addToDay = statement<
  [day: string, userId: string, bytes: number, limit: number],
  { bytes: number }
>(
  'uploads.add_to_day',
  `insert into uploaded_bytes as d (day, user_id, bytes) select $1::date, $2, $3::bigint where $3 <= $4::bigint
   on conflict (day, user_id) do update set bytes = d.bytes + excluded.bytes where d.bytes + excluded.bytes <= $4
   returning bytes`,
);

export const deleteDaysBefore = statement<[day: string]>(
  'uploads.delete_days_before',
  'delete from uploaded_bytes where day < $1::date',
);

export const insertUpload = statement<[id: string, userId: string, at: Date]>(
  'uploads.insert',
  'insert into artifact_uploads (id, created_by, created_at) values ($1, $2, $3)',
);

export const lockUpload = statement<[id: string, userId: string], { artifactId: string | null }>(
  'uploads.lock',
  'select artifact_id as "artifactId" from artifact_uploads where id = $1 and created_by = $2 for no key update',
);

export const upsertFiles = statement<[uploadId: string, files: string]>(
  'uploads.upsert_files',
  `insert into artifact_files (id, upload_id, env, destination, file_name, category, content)
   select f.id, $1, f.env, f.destination, f."fileName", f.category, f.content
     from jsonb_to_recordset($2::jsonb) as f (id uuid, env text, destination text, "fileName" text, category text,
       content text)
   on conflict (upload_id, env, destination, category, file_name) do update set content = excluded.content`,
);

export const commitUpload = statement<[id: string, artifactId: string]>(
  'uploads.commit',
  'update artifact_uploads set artifact_id = $2 where id = $1',
);

export const listFiles = statement<
  [projectId: string, artifactId: string, category: string | null],
  UploadedFile
>(
  'uploads.list_files',
  `select f.env, f.destination, f.file_name as "fileName", f.category, f.content
     from artifacts a
     join artifact_uploads u on u.artifact_id = a.id
     join artifact_files f on f.upload_id = u.id
    where a.project_id = $1 and a.id = $2 and ($3::text is null or f.category = $3)
    order by f.env, f.destination, f.category, f.file_name`,
);

/** Counts a user's uploads that are not annotated yet. */
export const countOpen = statement<[userId: string, since: Date], { open: number }>(
  'uploads.count_open',
  `select count(*) as open from artifact_uploads u
    where u.created_by = $1 and u.created_at > $2 and not exists (select 1 from artifacts a where a.id = u.artifact_id)`,
);

/** Locks at most 100 uploads that are older than `before` and not annotated, except those that others have locked. */
export const lockAbandoned = statement<[before: Date], { id: string }>(
  'uploads.lock_abandoned',
  `select u.id from artifact_uploads u
    where u.created_at < $1 and not exists (select 1 from artifacts a where a.id = u.artifact_id)
    order by u.id limit 100 for update of u skip locked`,
);

/** Deletes those of the uploads that are still not annotated. */
export const deleteAbandoned = statement<[ids: readonly string[]], { id: string }>(
  'uploads.delete_abandoned',
  `delete from artifact_uploads u
    where u.id = any($1::uuid[]) and not exists (select 1 from artifacts a where a.id = u.artifact_id)
   returning u.id`,
);

/** Whether the files of the artifact `a` of the project `p` and the organisation `o` are no longer needed. */
const REMOVABLE = `(
  a.created_at < $2::timestamptz - make_interval(days => coalesce(o.file_retention_days, ${FILE_RETENTION_DAYS}))
  and not exists (select from release_intents i where i.artifact_id = a.id and i.status = 'ACTIVE')
  and not exists (select from live_periods l where l.artifact_id = a.id and l.ended_at is null)
  and not exists (select from delivery_runs r where r.artifact_id = a.id and r.status = 'RUNNING')
  and (select count(*) from (select from artifacts n where n.project_id = a.project_id and n.build_order > a.build_order
                              limit ${KEPT_BUILDS}) newer) = ${KEPT_BUILDS})`;

export interface StoredFilesRow {
  readonly artifactId: string;
  readonly uploadId: string;
  /** As PostgreSQL writes it, for the next page. */
  readonly uploadedAt: string;
  readonly removable: boolean;
}

/** At most 500 artifacts with files, by the time of their upload, after one of them. */
export const listStoredFiles = statement<[afterTime: string, now: Date, afterId: string], StoredFilesRow>(
  'uploads.list_stored_files',
  `select a.id as "artifactId", u.id as "uploadId", u.created_at::text as "uploadedAt", ${REMOVABLE} as removable
     from (select id, artifact_id, created_at from artifact_uploads
            where artifact_id is not null and bytes > 0 and (created_at, id) > ($1::timestamptz, $3::uuid)
            order by created_at, id limit 500) u
     join artifacts a on a.id = u.artifact_id
     join projects p on p.id = a.project_id
     join organisations o on o.id = p.organisation_id
    order by u.created_at, u.id`,
);

/** Makes requests that release the artifacts wait. */
export const lockArtifacts = statement<[artifactIds: readonly string[]]>(
  'uploads.lock_artifacts',
  'select id from artifacts where id = any($1::uuid[]) order by id for no key update',
);

/** Removes the files of those artifacts that are still not needed. Returns how many, and their bytes. */
export const removeFiles = statement<
  [artifactIds: readonly string[], now: Date],
  { artifacts: number; bytes: number }
>(
  'uploads.remove_files',
  `with removable as (
     select u.id, u.bytes, o.id as organisation_id
       from artifact_uploads u
       join artifacts a on a.id = u.artifact_id
       join projects p on p.id = a.project_id
       join organisations o on o.id = p.organisation_id
      where a.id = any($1::uuid[]) and u.bytes > 0 and ${REMOVABLE}
   ), removed as (
     delete from artifact_files f using removable r where f.upload_id = r.id
   ), emptied as (
     update artifact_uploads u set bytes = 0, files_removed_at = $2 from removable r where u.id = r.id
   ), freed as (
     update stored_bytes s set bytes = greatest(0, s.bytes - r.bytes)
       from (select organisation_id, sum(bytes) as bytes from removable group by organisation_id) r
      where s.organisation_id = r.organisation_id
   )
   select count(*) as artifacts, coalesce(sum(bytes), 0)::bigint as bytes from removable`,
);

/** The bytes of all organisations' files. */
export const sumStoredBytes = statement<[], { bytes: number }>(
  'uploads.sum_stored_bytes',
  'select coalesce(sum(bytes), 0)::bigint as bytes from stored_bytes',
);
