// `npm run backup -- FILE`: everything that the database of DATA_DIR or DATABASE_URL holds, into one file. Servers may go on.
import { backup } from '#server/db/archive/index.ts';
import { archiveCommand, sumWords } from './archive-command.ts';

await archiveCommand(
  'backup',
  backup,
  (written, place, file, size) => `Backed up ${place}: ${sumWords(written)} into ${file} of ${size}`,
);
