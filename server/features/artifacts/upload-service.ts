import type { AppContext } from '#server/context.ts';
import type { Executor } from '#server/db/database.ts';
import { exhausted, Failure, failedPrecondition, invalid, notFound } from '#server/failure.ts';
import { createFairLimit } from '#server/fair-limit.ts';
import type { Caller } from '#server/features/access/service.ts';
import { LIMITS, MIB } from '#server/limits.ts';
import type { ProjectScope } from '#server/wire/scopes.ts';
import * as store from './upload-store.ts';

export type UploadedFile = store.UploadedFile;

/** The limit of one upload's files together, in bytes of UTF-8. */
const MAX_UPLOAD_BYTES = 8 * MIB;
/** The limit of the files of a user's uploads that are not annotated yet, in bytes. */
const MAX_OPEN_BYTES = 200 * MIB;
/** The limit of the files that this server is receiving, which are in memory until their stream ends. */
const MAX_RECEIVING_BYTES = 128 * MIB;
const RETRY_RECEIVING_SECONDS = 10;
const DAY_MS = 24 * 60 * 60_000;

const tooLarge = (): Failure =>
  new Failure(
    'resource_exhausted',
    `The files of an upload must be at most ${MAX_UPLOAD_BYTES} bytes in total`,
  );

const tooManyOpen = (): Failure =>
  new Failure(
    'resource_exhausted',
    `Your uploads that are not annotated hold ${MAX_OPEN_BYTES / MIB} MiB, the maximum; commit and annotate some of them, ` +
      'or wait: they are deleted after 24 hours',
  );

function tooMuchToday({ config, clock }: AppContext): Failure {
  const wait = DAY_MS - (clock.now().getTime() % DAY_MS);
  const limit = config.uploadPerDay / MIB;
  return exhausted(
    `You have uploaded ${limit} MiB today (UTC), the maximum; try again tomorrow`,
    wait / 1_000,
  );
}

const dayBefore = ({ clock }: AppContext): Date => new Date(clock.now().getTime() - DAY_MS);
const today = ({ clock }: AppContext): string => clock.now().toISOString().slice(0, 10);

/**
 * Opens an upload for the caller. It is deleted after 24 hours unless it is annotated.
 * @returns the upload's id
 * @throws Failure resource_exhausted when the caller has 50 open uploads.
 */
export function beginUpload(app: AppContext, caller: Caller): Promise<string> {
  return app.db.transaction(async (tx) => {
    const id = app.newId();
    await tx.run(store.lockUser, [caller.userId]);
    const [counted] = await tx.run(store.countOpen, [caller.userId, dayBefore(app)]);
    if ((counted?.open ?? 0) >= LIMITS.openUploadsPerUser) {
      throw new Failure(
        'resource_exhausted',
        `You have ${LIMITS.openUploadsPerUser} uploads that are not annotated, the maximum; commit and annotate some of them, or wait: ` +
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
  await app.db.run(store.deleteDaysBefore, [today(app)]);
  const before = dayBefore(app);
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

/** The bytes of all files that this server is receiving. */
let receiving = 0;

/** Writes one stream's files at a time, in turn by user: several at once would leave the processors to nothing else. */
const storing = createFairLimit(1);

type NewFile = UploadedFile & { readonly id: string };
type StreamedFile = UploadedFile & { readonly uploadId: string };

/**
 * Stores the files of a stream, all of one upload, in one transaction. A file with the name, category, environment and
 * destination of an earlier one replaces it. Limits are checked with each message, so that the rest is not read.
 * @throws Failure invalid_argument for an empty stream or one that mixes uploads; not_found for another user's upload;
 * failed_precondition once it is committed; resource_exhausted over 8 MiB, or over the limits of the caller or this server.
 */
export async function uploadFiles(
  app: AppContext,
  caller: Caller,
  stream: AsyncIterable<StreamedFile>,
): Promise<void> {
  const files = new Map<string, NewFile>();
  let uploadId: string | null = null;
  let bytes = 0;
  try {
    let usage: Usage | null = null;
    for await (const { uploadId: current, ...file } of stream) {
      usage ??= await usageOf(app, caller, current);
      uploadId ??= current;
      if (current !== uploadId) {
        throw invalid({ field: 'upload_id', message: `must be the same in the whole stream (${uploadId})` });
      }
      const size = Buffer.byteLength(file.content);
      bytes += size;
      receiving += size;
      requireRoom(app, usage, bytes);
      const { env, destination, category, fileName } = file;
      files.set(JSON.stringify([env, destination, category, fileName]), { ...file, id: app.newId() });
    }
    if (uploadId === null)
      throw invalid({ field: 'upload_id', message: 'is required: the stream had no file' });
    const upload = uploadId;
    await storing(caller.userId, () => storeFiles(app, caller, upload, [...files.values()], bytes));
  } finally {
    receiving -= bytes;
  }
}

interface Usage {
  /** The files of the upload so far. */
  readonly bytes: number;
  /** The files of all the caller's uploads that are not annotated. */
  readonly openBytes: number;
  /** What the caller has uploaded today. */
  readonly dayBytes: number;
}

async function usageOf(app: AppContext, { userId }: Caller, uploadId: string): Promise<Usage> {
  const usage = await findUsage(app, app.db, userId, uploadId);
  if (usage === undefined) throw notFound(`Upload ${uploadId}`);
  requireOpen(usage.artifactId, uploadId);
  return usage;
}

async function findUsage(app: AppContext, executor: Executor, userId: string, uploadId: string) {
  const params = [uploadId, userId, today(app), dayBefore(app)] as const;
  return (await executor.run(store.findUsage, params))[0];
}

function requireOpen(artifactId: string | null, uploadId: string): void {
  if (artifactId !== null) throw failedPrecondition(`Upload ${uploadId} is committed; begin another one`);
}

/** @param bytes of the stream so far */
function requireRoom(app: AppContext, { dayBytes }: Usage, bytes: number): void {
  if (bytes > MAX_UPLOAD_BYTES) throw tooLarge();
  if (dayBytes + bytes > app.config.uploadPerDay) throw tooMuchToday(app);
  if (receiving > MAX_RECEIVING_BYTES)
    throw exhausted('The server is receiving too many uploads at once; try again', RETRY_RECEIVING_SECONDS);
}

/** Files of about a megabyte together: to convert all of them for one statement would stop other requests for too long. */
function portionsOf(files: readonly NewFile[]): NewFile[][] {
  const portions: NewFile[][] = [];
  let size = MIB;
  for (const file of files) {
    if (size >= MIB) {
      portions.push([]);
      size = 0;
    }
    portions.at(-1)?.push(file);
    size += file.content.length;
  }
  return portions;
}

async function storeFiles(
  app: AppContext,
  caller: Caller,
  uploadId: string,
  files: readonly NewFile[],
  bytes: number,
): Promise<void> {
  const { userId } = caller;
  await app.db.transaction(async (tx) => {
    const [upload] = await tx.run(store.lockUpload, [uploadId, userId]);
    if (upload === undefined) throw notFound(`Upload ${uploadId}`);
    requireOpen(upload.artifactId, uploadId);
    const [day] = await tx.run(store.addToDay, [today(app), userId, bytes, app.config.uploadPerDay]);
    if (day === undefined) throw tooMuchToday(app);
    for (const portion of portionsOf(files))
      await tx.run(store.upsertFiles, [uploadId, JSON.stringify(portion)]);
    const usage = await findUsage(app, tx, userId, uploadId);
    if (usage === undefined || usage.bytes > MAX_UPLOAD_BYTES) throw tooLarge();
    if (usage.openBytes > MAX_OPEN_BYTES) throw tooManyOpen();
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
