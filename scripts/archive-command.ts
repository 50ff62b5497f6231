// What `npm run backup` and `npm run restore` have in common: the argument, progress, a stop in the middle, words.
import { stat } from 'node:fs/promises';
import { readConfig } from '#server/config.ts';
import {
  ArchiveError,
  type ArchiveWork,
  type Place,
  type Progress,
  placeWords,
  type Written,
} from '#server/db/archive/index.ts';
import { wordsForStart } from '#server/start-failure.ts';

const TELL_MS = 3_000;

/** Rows or bytes for people: `1,234`, `12.3 MB`. */
const count = (value: number) => value.toLocaleString('en-GB');
const size = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

/** A line on stderr every few seconds while a table takes long. */
function teller(): Progress {
  let told = performance.now();
  return (table, rows, bytes) => {
    if (performance.now() - told < TELL_MS) return;
    told = performance.now();
    console.error(`… ${table}: ${rows > 0 ? `${count(rows)} rows, ` : ''}${size(bytes)}`);
  };
}

/**
 * Runs one of the two commands with the file named on the command line and the place that the environment names. Prints one
 * line at the end and sets the exit code: 0, or 1 with one line that says why not.
 */
export async function archiveCommand(
  name: 'backup' | 'restore',
  work: (work: ArchiveWork) => Promise<Written>,
  done: (written: Written, place: string, file: string, size: string) => string,
): Promise<void> {
  const [file, ...more] = process.argv.slice(2);
  if (file === undefined || file.startsWith('-') || more.length > 0) {
    console.error(`Usage: npm run ${name} -- FILE (with DATA_DIR or DATABASE_URL as for the server)`);
    process.exitCode = 2;
    return;
  }
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort());
  const began = performance.now();
  try {
    const config = readConfig(process.env);
    const place: Place = { databaseUrl: config.databaseUrl, dataDir: config.dataDir };
    const written = await work({
      place,
      file,
      log: { info() {}, warn: tell, error: tell },
      progress: teller(),
      signal: stop.signal,
    });
    const took = ((performance.now() - began) / 1000).toFixed(1);
    console.log(`${done(written, placeWords(place), file, size((await stat(file)).size))} (${took} s)`);
  } catch (error) {
    console.error(stop.signal.aborted ? `Broken off: nothing was ${DONE[name]}.` : words(error, name));
    process.exitCode = 1;
  }
}

const DONE = { backup: 'backed up', restore: 'restored' };

/** `17 tables, 1,234 rows, 12.3 MB` */
export const sumWords = ({ tables, rows, bytes }: Written) =>
  `${count(tables)} tables, ${count(rows)} rows, ${size(bytes)}`;

function tell(fields: object, message: string): void {
  const detail = 'table' in fields ? `${fields.table}: ` : '';
  console.error(`${detail}${message}`);
}

function words(error: unknown, name: 'backup' | 'restore'): string | unknown {
  if (error instanceof ArchiveError) return `Nothing was ${DONE[name]}. ${error.message}.`;
  const plain = wordsForStart(error);
  if (plain !== null) return `Nothing was ${DONE[name]}. ${plain}`;
  if (error instanceof Error && 'code' in error) {
    return `Nothing was ${DONE[name]}. The database or the file system refused: ${error.message} (${error.code})`;
  }
  return error;
}
