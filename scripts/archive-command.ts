// Shared by `npm run backup` and `npm run restore`: arguments, progress, cancellation and messages.
import { stat } from 'node:fs/promises';
import { readConfig } from '#server/config.ts';
import {
  type ArchiveWork,
  describeLocation,
  type Progress,
  type Written,
} from '#server/db/archive/database-location.ts';
import { ArchiveError } from '#server/db/archive/format.ts';
import { startFailureMessage } from '#server/start-failure.ts';

const PRINT_EVERY_MS = 3_000;

/** Rows or bytes for people: `1,234`, `12.3 MB`. */
const count = (value: number) => value.toLocaleString('en-GB');
const size = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

/** Prints progress to stderr every few seconds. */
function progressPrinter(): Progress {
  let printedAt = performance.now();
  return (table, rows, bytes) => {
    if (performance.now() - printedAt < PRINT_EVERY_MS) return;
    printedAt = performance.now();
    console.error(`… ${table}: ${rows > 0 ? `${count(rows)} rows, ` : ''}${size(bytes)}`);
  };
}

/**
 * Runs a command with the file from the command line and the database from the environment. Prints one line at the end, and
 * sets the exit code to 1 if it failed.
 */
export async function archiveCommand(
  name: 'backup' | 'restore',
  work: (work: ArchiveWork) => Promise<Written>,
  done: (written: Written, location: string, file: string, size: string) => string,
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
    const written = await work({
      location: config,
      file,
      log: { info() {}, warn: print, error: print },
      progress: progressPrinter(),
      signal: stop.signal,
    });
    const took = ((performance.now() - began) / 1000).toFixed(1);
    console.log(
      `${done(written, describeLocation(config), file, size((await stat(file)).size))} (${took} s)`,
    );
  } catch (error) {
    console.error(stop.signal.aborted ? `Cancelled. Nothing was ${DONE[name]}.` : messageFor(error, name));
    process.exitCode = 1;
  }
}

const DONE = { backup: 'backed up', restore: 'restored' };

/** `17 tables, 1,234 rows, 12.3 MB` */
export const describeSums = ({ tables, rows, bytes }: Written) =>
  `${count(tables)} tables, ${count(rows)} rows, ${size(bytes)}`;

function print(fields: object, message: string): void {
  const detail = 'table' in fields ? `${fields.table}: ` : '';
  console.error(`${detail}${message}`);
}

function messageFor(error: unknown, name: 'backup' | 'restore'): string | unknown {
  if (error instanceof ArchiveError) return `Nothing was ${DONE[name]}. ${error.message}.`;
  const plain = startFailureMessage(error);
  if (plain !== null) return `Nothing was ${DONE[name]}. ${plain}`;
  if (error instanceof Error && 'code' in error) {
    return `Nothing was ${DONE[name]}. The database or the file system failed: ${error.message} (${error.code})`;
  }
  return error;
}
