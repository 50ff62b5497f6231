import type { AppContext } from '#server/context.ts';
import { Failure, failedPrecondition, invalid, notFound } from '#server/failure.ts';
import type { Caller } from '#server/features/access/service.ts';
import type { ProjectScope } from '#server/rpc/access.ts';
import * as store from './upload-store.ts';

export type UploadedFile = store.UploadedFile;

/** Most bytes of UTF-8 that the files of one upload may have together. */
const MAX_UPLOAD_BYTES = 8 * 1024 * 1024;

/** Uploads of one user that no artifact has come of yet. */
export const MOST_OPEN = 50;
const ABANDONED_MS = 24 * 60 * 60_000;

const tooLarge = (): Failure =>
  new Failure(
    'resource_exhausted',
    `the files of an upload may have at most ${MAX_UPLOAD_BYTES} bytes together`,
  );

/**
 * Opens an upload of the caller's own. One that no artifact comes of is removed after a day.
 * @throws resource_exhausted while the caller has 50 of them.
 */
export function beginUpload(app: AppContext, caller: Caller): Promise<string> {
  return app.db.transaction(async (tx) => {
    const id = app.newId();
    // Of several at once each sees those before it.
    await store.lockUser(tx, caller.userId);
    if ((await store.countOpen(tx, caller.userId)) >= MOST_OPEN) {
      throw new Failure(
        'resource_exhausted',
        `${MOST_OPEN} of your uploads are waiting to be committed and annotated, the most there may be: finish some of ` +
          'them; what is not annotated within a day is removed',
      );
    }
    await store.beginUpload(tx, id, caller.userId, app.clock.now());
    return id;
  });
}

/**
 * Removes uploads that were begun more than a day ago and that no artifact has come of, with their files.
 * @returns how many
 */
export async function forgetAbandonedUploads(app: AppContext): Promise<number> {
  const before = new Date(app.clock.now().getTime() - ABANDONED_MS);
  for (let removed = 0; ; ) {
    const found = await app.db.transaction(async (tx) => {
      const ids = await store.holdAbandoned(tx, before);
      // Whoever was annotating one of them when it was looked at held it; looked at again, it is not abandoned.
      return ids.length === 0 ? 0 : await store.removeAbandoned(tx, ids);
    });
    removed += found;
    if (found === 0) return removed;
  }
}

/**
 * Stores the files of a stream, all of one upload; all of them or none. A file of the same name, category, environment
 * and destination as an earlier one replaces it.
 * @throws invalid_argument for an empty stream or one that mixes uploads; not_found for an upload of somebody else;
 * failed_precondition once it is committed; resource_exhausted over 8 MB.
 */
export async function uploadFiles(
  app: AppContext,
  caller: Caller,
  stream: AsyncIterable<UploadedFile & { uploadId: string }>,
): Promise<void> {
  let uploadId: string | null = null;
  let bytes = 0;
  const files = new Map<string, UploadedFile & { id: string }>();
  for await (const { uploadId: of, ...file } of stream) {
    uploadId ??= of;
    if (of !== uploadId) {
      throw invalid({ field: 'upload_id', message: `is ${of}, but this stream began with ${uploadId}` });
    }
    bytes += Buffer.byteLength(file.content);
    if (bytes > MAX_UPLOAD_BYTES) throw tooLarge();
    const { env, destination, category, fileName } = file;
    files.set(JSON.stringify([env, destination, category, fileName]), { ...file, id: app.newId() });
  }
  if (uploadId === null) throw invalid({ field: 'upload_id', message: 'is missing: the stream had no file' });
  const id = uploadId;
  await app.db.transaction(async (tx) => {
    const upload = await store.lockUpload(tx, id, caller.userId);
    if (upload === undefined) throw notFound(`upload ${id}`);
    if (upload.artifactId !== null) {
      throw failedPrecondition(`upload ${id} is committed; begin another one`);
    }
    await store.putFiles(tx, id, [...files.values()]);
    if ((await store.sizeOf(tx, id)) > MAX_UPLOAD_BYTES) throw tooLarge();
  });
}

/**
 * Closes an upload; committing again gives the same id.
 * @returns the id that `AnnotateRelease` takes as `artifact_id`
 */
export function commitUpload(app: AppContext, caller: Caller, uploadId: string): Promise<string> {
  return app.db.transaction(async (tx) => {
    const upload = await store.lockUpload(tx, uploadId, caller.userId);
    if (upload === undefined) throw notFound(`upload ${uploadId}`);
    if (upload.artifactId !== null) return upload.artifactId;
    const artifactId = app.newId();
    await store.commitUpload(tx, uploadId, artifactId);
    return artifactId;
  });
}

/** The files of an annotated artifact, of one category or (null) all; at most 8 MB together. */
export function getFiles(
  app: AppContext,
  scope: ProjectScope,
  artifactId: string,
  category: string | null,
): Promise<UploadedFile[]> {
  return store.filesOf(app.db, scope.projectId, artifactId, category);
}
