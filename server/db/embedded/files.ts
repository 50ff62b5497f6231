import { link, open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { codeOf } from './errors.ts';

/** The content of a file; undefined if it does not exist. */
export async function readIfExists(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  });
}

/**
 * Writes a file (mode 0600) and its folder to disk, unless it exists. Of concurrent calls, in any process, the first one wins,
 * and no reader sees a partial file.
 * @param prepare called with the path of the file before it gets its name, for example to change its owner
 */
export async function createOnce(
  file: string,
  content: string,
  prepare?: (path: string) => Promise<void>,
): Promise<void> {
  const draft = `${file}.${process.pid}`;
  const handle = await open(draft, 'w', 0o600);
  try {
    await handle.writeFile(content);
    await handle.sync();
    await prepare?.(draft);
    await link(draft, file).catch((error) => {
      if (codeOf(error) !== 'EEXIST') throw error;
    });
  } finally {
    await handle.close();
    await rm(draft, { force: true });
  }
  await syncFolder(dirname(file));
}

/** Writes the names in a folder to disk. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r');
  await handle.sync().finally(() => handle.close());
}
