import { isReleaseEnded } from '#domain/release/release-status.ts';
import type { AppContext } from '#server/context.ts';
import { notFound } from '#server/failure.ts';
import * as store from './store.ts';

export interface ReleaseLog {
  readonly destination: string;
  readonly lines: readonly store.LogRow[];
  /** Whether the release has ended, its destination is not at work on it any more, and `lines` has its last line. */
  readonly complete: boolean;
}

const isLine = (row: store.ReleaseLogRow): row is store.ReleaseLogRow & store.LogRow => row.line !== null;

/**
 * The lines of a release's log after a known one, oldest first.
 * @param afterId the id of the last known line; 0 for none
 * @throws Failure not_found
 */
export async function readReleaseLog(
  app: AppContext,
  releaseId: string,
  afterId: bigint,
  limit: number,
): Promise<ReleaseLog> {
  const rows = await app.db.run(store.listReleaseLog, [releaseId, String(afterId), limit + 1]);
  const [first] = rows;
  if (first === undefined) throw notFound(`Release ${releaseId}`);
  const { destination, status, isOccupied } = first;
  const complete = rows.length <= limit && isReleaseEnded(status) && !isOccupied;
  return { destination, lines: rows.slice(0, limit).filter(isLine), complete };
}
