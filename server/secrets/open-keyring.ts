import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type Config, ConfigError } from '#server/config.ts';
import { createOnce, readIfExists } from '#server/db/embedded/files.ts';
import { createKeyring, type Keyring, readSecretsKey, type SecretsKey } from './keyring.ts';

/** Not part of backups, so that a backup alone reveals no secrets. */
const NAME = 'secrets.key';

/**
 * The key of a data folder; null if it has none.
 * @throws ConfigError when the file is damaged
 */
async function readKeyFile(dataDir: string): Promise<SecretsKey | null> {
  const path = join(dataDir, NAME);
  const text = await readIfExists(path);
  if (text === undefined) return null;
  try {
    return readSecretsKey(text);
  } catch {
    throw new ConfigError(`${path} does not contain the key that Forage wrote there; restore the file`);
  }
}

/**
 * Opens the keyring of the configuration. With the embedded database, its folder has a key of its own if SECRETS_KEY was not set
 * at first; that key still decrypts when SECRETS_KEY is set later.
 * @param make whether to create the folder's key if it is needed
 * @throws ConfigError when the folder's key file is damaged
 */
export async function openKeyring(
  config: Pick<Config, 'databaseUrl' | 'dataDir' | 'secretsKey' | 'secretsKeysOld'>,
  { make }: { make: boolean },
): Promise<Keyring> {
  const { databaseUrl, dataDir, secretsKey, secretsKeysOld } = config;
  if (databaseUrl !== null) return createKeyring(secretsKey, secretsKeysOld);
  let own = await readKeyFile(dataDir);
  if (own === null && secretsKey === null && make) {
    await createOnce(join(dataDir, NAME), `${randomBytes(32).toString('base64')}\n`);
    own = await readKeyFile(dataDir);
  }
  return createKeyring(secretsKey ?? own, [...secretsKeysOld, ...(own === null ? [] : [own])]);
}
