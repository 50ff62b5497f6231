import { statement } from '#server/db/database.ts';

/** Stores files, and notes that those that are stored already are still in use. */
export const storeFiles = statement<[paths: readonly string[], contents: readonly Buffer[], now: Date]>(
  'dashboard.store_files',
  `insert into dashboard_files (path, content, seen_at)
   select path, content, $3 from unnest($1::text[], $2::bytea[]) as f (path, content) order by path
   on conflict (path) do update set seen_at = excluded.seen_at`,
);

export const findFiles = statement<[paths: readonly string[]], { path: string; content: Buffer }>(
  'dashboard.find_files',
  'select path, content from dashboard_files where path = any($1::text[])',
);

export const deleteFiles = statement<[seenBefore: Date]>(
  'dashboard.delete_files',
  'delete from dashboard_files where seen_at < $1',
);
