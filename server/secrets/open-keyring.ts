import type { Config } from '#server/config.ts';
import { ensureKeyFile, readKeyFile } from './key-file.ts';
import { createKeyring, type Keyring } from './keyring.ts';

/**
 * The keys of the configuration. With the embedded database a key of its own lies in its folder: it is made when
 * `SECRETS_KEY` is not set, and goes on opening what it has sealed when that is set later. `make` false leaves the folder as
 * it is.
 * @throws ConfigError when the folder's file holds something else.
 */
export async function openKeyring(
  config: Pick<Config, 'databaseUrl' | 'dataDir' | 'secretsKey' | 'secretsKeysOld'>,
  { make }: { make: boolean },
): Promise<Keyring> {
  const { databaseUrl, dataDir, secretsKey, secretsKeysOld } = config;
  if (databaseUrl !== null) return createKeyring(secretsKey, secretsKeysOld);
  if (secretsKey === null && make) return createKeyring(await ensureKeyFile(dataDir), secretsKeysOld);
  const own = await readKeyFile(dataDir);
  return createKeyring(secretsKey ?? own, [...secretsKeysOld, ...(own === null ? [] : [own])]);
}
