import pLimit from 'p-limit';
import type { AppContext } from '#server/context.ts';
import { deleteFiles, findFiles, storeFiles } from './files-store.ts';

/** The files of a build by path, such as `/assets/main-abc.js`. */
export type Files = ReadonlyMap<string, Buffer>;

/** How long files are kept after the last server that had them: a page can stay open for that long. */
const KEPT_MS = 30 * 24 * 3_600_000;

/** Anyone may ask for files that do not exist: at most two reads of the database at a time. */
const fewAtOnce = pLimit(2);

/**
 * Shares files whose names contain a digest of their content with the other servers of the database, and forgets those that no server
 * has had for 30 days.
 */
export async function shareFiles(app: Pick<AppContext, 'db' | 'clock'>, files: Files): Promise<void> {
  if (files.size === 0) return;
  const now = app.clock.now();
  await app.db.run(storeFiles, [[...files.keys()], [...files.values()], now]);
  await app.db.run(deleteFiles, [new Date(now.getTime() - KEPT_MS)]);
}

/** Those of the paths that a server has shared. */
export async function findSharedFiles(app: Pick<AppContext, 'db'>, paths: readonly string[]): Promise<Files> {
  const rows = await fewAtOnce(() => app.db.run(findFiles, [paths]));
  return new Map(rows.map(({ path, content }) => [path, content]));
}
