// `npm run restore -- FILE`: a backup into the empty database of DATA_DIR or DATABASE_URL. No server may use it meanwhile.
import { restore } from '#server/db/archive/index.ts';
import { archiveCommand, sumWords } from './archive-command.ts';

await archiveCommand(
  'restore',
  restore,
  (written, place, file) => `Restored ${file} into ${place}: ${sumWords(written)}. Start the server on it`,
);
