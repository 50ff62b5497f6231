import { randomBytes } from 'node:crypto';
import { link, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from '#server/config-error.ts';
import { readSecretsKey, type SecretsKey, SecretsKeyError } from './key.ts';

/** Beside the embedded database, and in none of its backups: who has a backup alone has no secrets. */
const NAME = 'secrets.key';

/**
 * The key that belongs to a data folder; null when it has none.
 * @throws ConfigError when the file holds something else.
 */
export async function readKeyFile(dataDir: string): Promise<SecretsKey | null> {
  const path = join(dataDir, NAME);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (text === null) return null;
  try {
    return readSecretsKey(text);
  } catch (error) {
    if (!(error instanceof SecretsKeyError)) throw error;
    throw new ConfigError(`${path} does not hold the key that Forage wrote there: bring it back`);
  }
}

/** The key of a data folder, made with mode 0600 if there is none; it is on the disk before anything is encrypted with it. */
export async function ensureKeyFile(dataDir: string): Promise<SecretsKey> {
  const found = await readKeyFile(dataDir);
  if (found !== null) return found;
  const path = join(dataDir, NAME);
  const draft = `${path}.${process.pid}`;
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(`${randomBytes(32).toString('base64')}\n`);
    await file.sync();
    // Not renamed: a key that is there by now is never replaced.
    await link(draft, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  } finally {
    await file.close();
    await rm(draft, { force: true });
  }
  const folder = await open(dataDir, 'r');
  await folder.sync().finally(() => folder.close());
  const made = await readKeyFile(dataDir);
  if (made === null) throw new Error(`${path} is gone in the moment after it was written`);
  return made;
}
