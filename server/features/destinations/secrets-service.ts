import { ConfigError } from '#server/config-error.ts';
import type { AppContext } from '#server/context.ts';
import type { Executor } from '#server/db/database.ts';
import type { DestinationType } from '#server/destinations/destination-type.ts';
import { type Keyring, keyIdOf, SealError } from '#server/secrets/keyring.ts';
import { resealSecrets, sealMetadata } from './sealed-metadata.ts';
import * as store from './store.ts';

const secretFields = (types: readonly DestinationType[]): string[] => [
  ...new Set(
    types.flatMap(({ fields }) => fields.filter((f) => f.fieldType === 'secret').map((f) => f.name)),
  ),
];

/**
 * At start: encrypts the secrets that an earlier version stored in the clear, and makes sure that all others can be read.
 * @throws ConfigError when a key is missing for either: a server that cannot deliver must not look as if it could.
 */
export async function sealStoredSecrets(app: AppContext): Promise<void> {
  const { keyring, log, destinationTypes } = app;
  const sealed = await app.db.transaction(async (tx) => {
    for (const keyId of await store.keyIdsInUse(tx)) {
      if (!keyring.knows(keyId)) throw unknownKey(keyId, keyring);
    }
    let count = 0;
    for (const row of await store.lockPlain(tx, secretFields(destinationTypes.list()))) {
      const type = destinationTypes.find(row.typeOrganisation, row.typeName, row.typeVersion);
      if (type === undefined || secretFields([type]).every((name) => row.metadata[name] === undefined))
        continue;
      if (keyring.current === null) {
        throw new ConfigError(
          'SECRETS_KEY must be set: the database holds secrets of destinations, which are kept encrypted; make one by ' +
            '`openssl rand -base64 32`, the same for every server, and keep it apart from backups',
        );
      }
      await store.updateMetadata(tx, row.id, sealMetadata(keyring, type, row.id, row.metadata));
      count++;
    }
    return count;
  });
  if (sealed > 0) log.info({ destinations: sealed }, 'encrypted secrets that were stored in the clear');
}

function unknownKey(keyId: string, keyring: Keyring): ConfigError {
  const given = keyring.current === null ? 'is not set' : `is key ${keyring.current}`;
  return new ConfigError(
    `SECRETS_KEY ${given}, and the database holds secrets that were encrypted with key ${keyId}: name that key in ` +
      'SECRETS_KEY or SECRETS_KEYS_OLD (with the embedded database: bring back secrets.key in DATA_DIR). If it is lost, ' +
      '`npm run rotate-secrets -- --forget` removes those secrets',
  );
}

export interface Rotation {
  /** Encrypted anew with the current key. */
  readonly rotated: number;
  /** With the current key already. */
  readonly current: number;
  /** Destinations whose secrets cannot be read; with `forget` they have none any more. */
  readonly lost: readonly string[];
}

/**
 * Encrypts all secrets with the current key. `tx` is one transaction. Servers may go on working, if they are given that key.
 * @throws SealError without a current key.
 */
export async function rotateSecrets(
  tx: Executor,
  keyring: Keyring,
  { forget }: { forget: boolean },
): Promise<Rotation> {
  if (keyring.current === null) throw new SealError('there is no SECRETS_KEY to encrypt secrets with');
  const lost: string[] = [];
  let rotated = 0;
  let current = 0;
  for (const row of await store.lockSealed(tx)) {
    if (keyIdOf(row.secrets ?? '') === keyring.current) {
      current++;
      continue;
    }
    const renewed = renew(keyring, row);
    if (renewed === null) lost.push(`${row.organisation}/${row.name}`);
    else rotated++;
    if (renewed !== null || forget) {
      await store.updateMetadata(tx, row.id, { metadata: row.metadata, secrets: renewed });
    }
  }
  return { rotated, current, lost };
}

/** The same secrets under the current key; null when they cannot be read. */
function renew(keyring: Keyring, row: store.SealedRow): string | null {
  try {
    return resealSecrets(keyring, row.id, row.secrets);
  } catch (error) {
    if (error instanceof SealError) return null;
    throw error;
  }
}
