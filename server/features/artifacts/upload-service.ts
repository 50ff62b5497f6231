import type { AppContext } from '#server/context.ts';
import { Failure, failedPrecondition, invalid, notFound } from '#server/failure.ts';
import type { Caller } from '#server/features/access/service.ts';
import type { ProjectScope } from '#server/wire/scopes.ts';
import * as store from './upload-store.ts';

export type UploadedFile = store.UploadedFile;

/** The limit of one upload's files together, in bytes of UTF-8. */
const MAX_UPLOAD_BYTES = 8 * 1024 * 1024;
/** The limit of a user's uploads that are not annotated yet. */
export const MAX_OPEN = 50;
const ABANDONED_MS = 24 * 60 * 60_000;

const tooLarge = (): Failure =>
  new Failure(
    'resource_exhausted',
    `The files of an upload must be at most ${MAX_UPLOAD_BYTES} bytes in total`,
  );

/**
 * Opens an upload for the caller. It is deleted after 24 hours unless it is annotated.
 * @returns the upload's id
 * @throws Failure resource_exhausted when the caller has 50 open uploads.
 */
export function beginUpload(app: AppContext, caller: Caller): Promise<string> {
  return app.db.transaction(async (tx) => {
    const id = app.newId();
    await tx.run(store.lockUser, [caller.userId]);
    const [counted] = await tx.run(store.countOpen, [caller.userId]);
    if ((counted?.open ?? 0) >= MAX_OPEN) {
      throw new Failure(
        'resource_exhausted',
        `You have ${MAX_OPEN} uploads that are not annotated, the maximum; commit and annotate some of them, or wait: ` +
          'they are deleted after 24 hours',
      );
    }
    await tx.run(store.insertUpload, [id, caller.userId, app.clock.now()]);
    return id;
  });
}

/**
 * Deletes uploads that are older than 24 hours and not annotated, with their files.
 * @returns how many
 */
export async function deleteAbandonedUploads(app: AppContext): Promise<number> {
  const before = new Date(app.clock.now().getTime() - ABANDONED_MS);
  for (let total = 0; ; ) {
    const deleted = await app.db.transaction(async (tx) => {
      const ids = (await tx.run(store.lockAbandoned, [before])).map(({ id }) => id);
      // An upload may have been annotated between the first statement's snapshot and its lock.
      return ids.length === 0 ? 0 : (await tx.run(store.deleteAbandoned, [ids])).length;
    });
    total += deleted;
    if (deleted === 0) return total;
  }
}

/**
 * Stores the files of a stream, all of one upload, in one transaction. A file with the name, category, environment and
 * destination of an earlier one replaces it.
 * @throws Failure invalid_argument for an empty stream or one that mixes uploads; not_found for another user's upload;
 * failed_precondition once it is committed; resource_exhausted over 8 MB.
 */
export async function uploadFiles(
  app: AppContext,
  caller: Caller,
  stream: AsyncIterable<UploadedFile & { readonly uploadId: string }>,
): Promise<void> {
  let uploadId: string | null = null;
  let bytes = 0;
  const files = new Map<string, UploadedFile & { readonly id: string }>();
  for await (const { uploadId: current, ...file } of stream) {
    uploadId ??= current;
    if (current !== uploadId) {
      throw invalid({ field: 'upload_id', message: `must be the same in the whole stream (${uploadId})` });
    }
    bytes += Buffer.byteLength(file.content);
    if (bytes > MAX_UPLOAD_BYTES) throw tooLarge();
    const { env, destination, category, fileName } = file;
    files.set(JSON.stringify([env, destination, category, fileName]), { ...file, id: app.newId() });
  }
  if (uploadId === null)
    throw invalid({ field: 'upload_id', message: 'is required: the stream had no file' });
  const id = uploadId;
  await app.db.transaction(async (tx) => {
    const [upload] = await tx.run(store.lockUpload, [id, caller.userId]);
    if (upload === undefined) throw notFound(`Upload ${id}`);
    if (upload.artifactId !== null) throw failedPrecondition(`Upload ${id} is committed; begin another one`);
    await tx.run(store.upsertFiles, [id, JSON.stringify([...files.values()])]);
    const [sum] = await tx.run(store.sumFileBytes, [id]);
    if ((sum?.bytes ?? 0) > MAX_UPLOAD_BYTES) throw tooLarge();
  });
}

/**
 * Closes an upload; committing it again returns the same id.
 * @returns the id that `AnnotateRelease` takes as `artifact_id`
 */
export function commitUpload(app: AppContext, caller: Caller, uploadId: string): Promise<string> {
  return app.db.transaction(async (tx) => {
    const [upload] = await tx.run(store.lockUpload, [uploadId, caller.userId]);
    if (upload === undefined) throw notFound(`Upload ${uploadId}`);
    const artifactId = upload.artifactId ?? app.newId();
    if (upload.artifactId === null) await tx.run(store.commitUpload, [uploadId, artifactId]);
    return artifactId;
  });
}

/** The files of an annotated artifact, of one category or (null) all; at most 8 MB in total. */
export const listFiles = (
  app: AppContext,
  scope: ProjectScope,
  artifactId: string,
  category: string | null,
): Promise<UploadedFile[]> => app.db.run(store.listFiles, [scope.projectId, artifactId, category]);
