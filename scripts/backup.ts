// `npm run backup -- FILE`: writes the database of DATA_DIR or DATABASE_URL to one file. Servers may keep running.
import { backup } from '#server/db/archive/write.ts';
import { archiveCommand, describeSums } from './archive-command.ts';

await archiveCommand(
  'backup',
  backup,
  (written, database, file, size) => `Backed up ${database}: ${describeSums(written)} to ${file} (${size})`,
);
