import { ConfigError } from '#server/config.ts';
import type { AppContext } from '#server/context.ts';
import type { Executor } from '#server/db/database.ts';
import { secretFields } from '#server/destinations/metadata.ts';
import { type Keyring, keyIdOf, SecretError } from '#server/secrets/keyring.ts';
import { encryptMetadata, reencryptSecrets } from './encrypted-metadata.ts';
import * as store from './store.ts';

/**
 * At startup: encrypts secrets that an earlier version stored unencrypted, and checks that all others can be decrypted.
 * @throws ConfigError when a key is missing for either, because such a server could not deliver.
 */
export async function sealStoredSecrets(app: AppContext): Promise<void> {
  const { keyring, log, destinationTypes } = app;
  const count = await app.db.transaction(async (tx) => {
    for (const { keyId } of await tx.run(store.listKeyIds, [])) {
      if (!keyring.has(keyId)) throw unknownKey(keyId, keyring);
    }
    let count = 0;
    for (const row of await tx.run(store.lockUnencrypted, [destinationTypes.list().flatMap(secretFields)])) {
      const type = destinationTypes.find(row.type);
      if (type === undefined || secretFields(type).every((name) => row.metadata[name] === undefined))
        continue;
      if (keyring.current === null) {
        throw new ConfigError(
          'SECRETS_KEY must be set: the database holds secrets of destinations, which must be encrypted. Generate a key ' +
            'with `openssl rand -base64 32`, use the same one on every server, and store it separately from backups.',
        );
      }
      const { metadata, secrets } = encryptMetadata(keyring, type, row.id, row.metadata);
      await tx.run(store.updateMetadata, [row.id, JSON.stringify(metadata), secrets]);
      count++;
    }
    return count;
  });
  if (count > 0) log.info({ destinations: count }, 'encrypted secrets that were stored unencrypted');
}

function unknownKey(keyId: string, keyring: Keyring): ConfigError {
  const given = keyring.current === null ? 'is not set' : `is key ${keyring.current}`;
  return new ConfigError(
    `SECRETS_KEY ${given}, but the database holds secrets encrypted with key ${keyId}. Set that key in SECRETS_KEY or ` +
      'SECRETS_KEYS_OLD (with the embedded database: restore secrets.key in DATA_DIR). If it is lost, ' +
      '`npm run rotate-secrets -- --forget` removes those secrets.',
  );
}

export interface Rotation {
  /** Destinations re-encrypted with the current key. */
  readonly rotated: number;
  /** Destinations already encrypted with the current key. */
  readonly current: number;
  /** Destinations whose secrets cannot be decrypted; with `forget` their secrets were removed. */
  readonly lost: readonly string[];
}

/**
 * Encrypts all secrets with the current key, in one transaction `tx`. Servers can keep running if they have that key.
 * @throws SecretError without a current key.
 */
export async function rotateSecrets(
  tx: Executor,
  keyring: Keyring,
  { forget }: { readonly forget: boolean },
): Promise<Rotation> {
  if (keyring.current === null)
    throw new SecretError('SECRETS_KEY is not set; set the key to encrypt secrets with');
  const lost: string[] = [];
  let rotated = 0;
  let current = 0;
  for (const row of await tx.run(store.lockSealed, [])) {
    if (keyIdOf(row.secrets) === keyring.current) {
      current++;
      continue;
    }
    const secrets = reencryptSecrets(keyring, row.id, row.secrets);
    if (secrets === null) lost.push(`${row.organisation}/${row.name}`);
    else rotated++;
    if (secrets !== null || forget) {
      await tx.run(store.updateMetadata, [row.id, JSON.stringify(row.metadata), secrets]);
    }
  }
  return { rotated, current, lost };
}
