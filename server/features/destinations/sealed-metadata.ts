import type { DestinationType } from '#server/destinations/destination-type.ts';
import type { Metadata } from '#server/destinations/metadata.ts';
import { failedPrecondition } from '#server/failure.ts';
import { type Keyring, SealError } from '#server/secrets/keyring.ts';

/** A destination's metadata as the database has it. */
export interface StoredMetadata {
  readonly metadata: Metadata;
  /** The secret fields, encrypted together; null when there are none. */
  readonly secrets: string | null;
}

/** Encrypted for one destination: another one's row opens nothing with it. */
const about = (destinationId: string): string => `destinations/${destinationId}/secrets`;

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/**
 * Splits metadata into what may be read in the database and what is encrypted.
 * @throws failed_precondition when there is a secret and no key to encrypt it with: none is stored in the clear.
 */
export function sealMetadata(
  keyring: Keyring,
  type: DestinationType,
  destinationId: string,
  metadata: Metadata,
): StoredMetadata {
  const secret = new Set(type.fields.filter((f) => f.fieldType === 'secret').map((f) => f.name));
  const part = (isSecret: boolean) =>
    Object.fromEntries(Object.entries(metadata).filter(([name]) => secret.has(name) === isSecret));
  const hidden = part(true);
  if (Object.keys(hidden).length === 0) return { metadata: part(false), secrets: null };
  if (keyring.current === null) {
    throw failedPrecondition(
      'this server has no key to encrypt secrets with: whoever runs it has to set SECRETS_KEY first',
    );
  }
  return { metadata: part(false), secrets: keyring.seal(JSON.stringify(hidden), about(destinationId)) };
}

/**
 * The metadata with its secrets.
 * @throws SealError when they cannot be read.
 */
export function openMetadata(keyring: Keyring, destinationId: string, stored: StoredMetadata): Metadata {
  if (stored.secrets === null) return stored.metadata;
  const opened: unknown = JSON.parse(keyring.open(stored.secrets, about(destinationId)));
  if (!isObject(opened)) throw new SealError('what was encrypted is no metadata');
  const secrets = Object.entries(opened).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return { ...stored.metadata, ...Object.fromEntries(secrets) };
}

/**
 * Secrets as they are stored, encrypted anew with the current key.
 * @throws SealError when they cannot be read.
 */
export function resealSecrets(
  keyring: Keyring,
  destinationId: string,
  secrets: string | null,
): string | null {
  if (secrets === null) return null;
  return keyring.seal(keyring.open(secrets, about(destinationId)), about(destinationId));
}
