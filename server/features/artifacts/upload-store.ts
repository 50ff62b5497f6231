import { type Executor, statement } from '#server/db/database.ts';

export interface UploadedFile {
  readonly env: string;
  readonly destination: string;
  readonly fileName: string;
  readonly category: string;
  readonly content: string;
}

const BEGIN = statement<[id: string, userId: string, at: Date]>(
  'uploads.begin',
  'insert into artifact_uploads (id, created_by, created_at) values ($1, $2, $3)',
);

const LOCK = statement<[id: string, userId: string], { artifactId: string | null }>(
  'uploads.lock',
  'select artifact_id as "artifactId" from artifact_uploads where id = $1 and created_by = $2 for no key update',
);

const PUT = statement<[uploadId: string, files: string]>(
  'uploads.put',
  `insert into artifact_files (id, upload_id, env, destination, file_name, category, content)
   select f.id, $1, f.env, f.destination, f."fileName", f.category, f.content
     from jsonb_to_recordset($2::jsonb) as f (id uuid, env text, destination text, "fileName" text, category text,
       content text)
   on conflict (upload_id, env, destination, category, file_name) do update set content = excluded.content`,
);

const SIZE = statement<[uploadId: string], { bytes: number }>(
  'uploads.size',
  'select coalesce(sum(octet_length(content)), 0) as bytes from artifact_files where upload_id = $1',
);

const COMMIT = statement<[id: string, artifactId: string]>(
  'uploads.commit',
  'update artifact_uploads set artifact_id = $2 where id = $1',
);

const FILES = statement<[projectId: string, artifactId: string, category: string | null], UploadedFile>(
  'uploads.files',
  `select f.env, f.destination, f.file_name as "fileName", f.category, f.content
     from artifacts a
     join artifact_uploads u on u.artifact_id = a.id
     join artifact_files f on f.upload_id = u.id
    where a.project_id = $1 and a.id = $2 and ($3::text is null or f.category = $3)
    order by f.env, f.destination, f.category, f.file_name`,
);

const LOCK_USER = statement<[userId: string]>(
  'uploads.lock_user',
  'select id from users where id = $1 for no key update',
);

const UNUSED = 'not exists (select 1 from artifacts a where a.id = u.artifact_id)';

const COUNT_OPEN = statement<[userId: string], { open: number }>(
  'uploads.count_open',
  `select count(*) as open from artifact_uploads u where u.created_by = $1 and ${UNUSED}`,
);

const HOLD_ABANDONED = statement<[before: Date], { id: string }>(
  'uploads.hold_abandoned',
  `select u.id from artifact_uploads u where u.created_at < $1 and ${UNUSED}
    order by u.id limit 100 for update of u skip locked`,
);

const REMOVE_ABANDONED = statement<[ids: readonly string[]], { id: string }>(
  'uploads.remove_abandoned',
  `delete from artifact_uploads u where u.id = any($1::uuid[]) and ${UNUSED} returning u.id`,
);

/** Makes others of the same user wait who lock them too. */
export async function lockUser(executor: Executor, userId: string): Promise<void> {
  await executor.run(LOCK_USER, [userId]);
}

/** How many uploads of a user no artifact has come of yet. */
export async function countOpen(executor: Executor, userId: string): Promise<number> {
  return (await executor.run(COUNT_OPEN, [userId]))[0]?.open ?? 0;
}

/** Locks some uploads that were begun before then and that no artifact has come of; those that others hold are left out. */
export async function holdAbandoned(executor: Executor, before: Date): Promise<string[]> {
  return (await executor.run(HOLD_ABANDONED, [before])).map(({ id }) => id);
}

/** Removes those of them that no artifact has come of meanwhile; gives how many. */
export async function removeAbandoned(executor: Executor, ids: readonly string[]): Promise<number> {
  return (await executor.run(REMOVE_ABANDONED, [ids])).length;
}

export async function beginUpload(executor: Executor, id: string, userId: string, at: Date): Promise<void> {
  await executor.run(BEGIN, [id, userId, at]);
}

export async function lockUpload(executor: Executor, id: string, userId: string) {
  return (await executor.run(LOCK, [id, userId]))[0];
}

export async function putFiles(
  executor: Executor,
  uploadId: string,
  files: readonly (UploadedFile & { id: string })[],
): Promise<void> {
  await executor.run(PUT, [uploadId, JSON.stringify(files)]);
}

export async function sizeOf(executor: Executor, uploadId: string): Promise<number> {
  // A sum of integers is a bigint column, which comes as a number.
  return (await executor.run(SIZE, [uploadId]))[0]?.bytes ?? 0;
}

export async function commitUpload(executor: Executor, id: string, artifactId: string): Promise<void> {
  await executor.run(COMMIT, [id, artifactId]);
}

export function filesOf(
  executor: Executor,
  projectId: string,
  artifactId: string,
  category: string | null,
): Promise<UploadedFile[]> {
  return executor.run(FILES, [projectId, artifactId, category]);
}
