import type { AppContext } from '#server/context.ts';
import type { Executor } from '#server/db/database.ts';
import * as store from './upload-store.ts';

/** Artifacts whose files one transaction removes. */
const BATCH = 50;
const FIRST = { uploadedAt: '-infinity', uploadId: '00000000-0000-0000-0000-000000000000' };

/**
 * Removes the files of builds that are older than their organisation keeps them, and neither live, being released, nor among the last
 * of their project. Any number of servers may do so at once.
 * @returns how many builds, and the bytes of their files
 */
export async function removeOldFiles(app: AppContext): Promise<{ artifacts: number; bytes: number }> {
  const total = { artifacts: 0, bytes: 0 };
  let after: Pick<store.StoredFilesRow, 'uploadedAt' | 'uploadId'> | undefined = FIRST;
  while (after !== undefined) {
    const now = app.clock.now();
    const page: store.StoredFilesRow[] = await app.db.run(store.listStoredFiles, [
      after.uploadedAt,
      now,
      after.uploadId,
    ]);
    const ids = page.filter(({ removable }) => removable).map(({ artifactId }) => artifactId);
    for (let start = 0; start < ids.length; start += BATCH) {
      const batch = ids.slice(start, start + BATCH);
      const removed = await app.db.transaction(async (tx) => {
        await tx.run(store.lockArtifacts, [batch]);
        return tx.run(store.removeFiles, [batch, now]);
      });
      total.artifacts += removed[0]?.artifacts ?? 0;
      total.bytes += removed[0]?.bytes ?? 0;
    }
    after = page.at(-1);
  }
  return total;
}

/** The bytes of the files of all builds. */
export async function countStoredBytes(db: Executor): Promise<number> {
  return (await db.run(store.sumStoredBytes, []))[0]?.bytes ?? 0;
}
