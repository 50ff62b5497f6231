// `npm run restore -- FILE`: loads a backup into the empty database of DATA_DIR or DATABASE_URL. No server may run on it.
import { restore } from '#server/db/archive/restore.ts';
import { archiveCommand, describeSums } from './archive-command.ts';

await archiveCommand(
  'restore',
  restore,
  (written, database, file) =>
    `Restored ${file} to ${database}: ${describeSums(written)}. The server can be started`,
);
