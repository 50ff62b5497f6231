import { readFile } from 'node:fs/promises';
import type { Log } from '../embedded/log.ts';
import { type OpenPlace, openSource, openTarget, type Place } from './place.ts';
import { inspectArchive, restoreArchive } from './restore.ts';
import { type Progress, type Written, writeArchive } from './write.ts';

export { ArchiveError } from './errors.ts';
export { type Place, placeWords } from './place.ts';
export type { Progress, Written } from './write.ts';

export interface ArchiveWork {
  readonly place: Place;
  readonly file: string;
  readonly log: Log;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/**
 * Backs a whole database up into `file`, also while servers work on it.
 * @throws ArchiveError, EmbeddedStartError or the database's error; `file` is then as it was.
 */
export async function backup({ place, file, log, progress, signal }: ArchiveWork): Promise<Written> {
  const product = await productVersion();
  return using(await openSource(place, log), signal, (client) =>
    writeArchive(client, { file, product, progress, signal }),
  );
}

/**
 * Restores a backup into an empty database. The whole file is checked before the database is opened.
 * @throws ArchiveError, EmbeddedStartError, MigrationError or the database's error; no row of the backup is in it then.
 */
export async function restore({ place, file, log, progress, signal }: ArchiveWork): Promise<Written> {
  const header = await inspectArchive(file, signal);
  return using(await openTarget(place, log), signal, (client) =>
    restoreArchive(client, header, { file, log, progress, signal }),
  );
}

/** Closes the place whatever happens. Being broken off cuts the connection, which undoes an open transaction. */
async function using<T>(
  open: OpenPlace,
  signal: AbortSignal | undefined,
  work: (client: OpenPlace['client']) => Promise<T>,
): Promise<T> {
  const cut = () => void open.client.end().catch(() => undefined);
  signal?.addEventListener('abort', cut, { once: true });
  try {
    signal?.throwIfAborted();
    return await work(open.client);
  } finally {
    signal?.removeEventListener('abort', cut);
    await open.close();
  }
}

async function productVersion(): Promise<string> {
  const { version } = JSON.parse(
    await readFile(new URL('../../../package.json', import.meta.url), 'utf8'),
  ) as { version: string };
  return version;
}
