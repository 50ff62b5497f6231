import type { DestinationType } from '#server/destinations/destination-type.ts';
import { type Metadata, secretFields } from '#server/destinations/metadata.ts';
import { failedPrecondition } from '#server/failure.ts';
import { type Keyring, SecretError } from '#server/secrets/keyring.ts';

/** A destination's metadata as the database has it. */
export interface StoredMetadata {
  /** Without the secret fields. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The secret fields, encrypted together; null when there are none. */
  readonly secrets: string | null;
}

/** Binds a ciphertext to its destination: copied to another destination's row it cannot be decrypted. */
const contextOf = (destinationId: string): string => `destinations/${destinationId}/secrets`;

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/**
 * Separates the secret fields from the others and encrypts them.
 * @throws Failure failed_precondition when there is a secret and no key: secrets are never stored unencrypted.
 */
export function encryptMetadata(
  keyring: Keyring,
  type: DestinationType,
  destinationId: string,
  metadata: Metadata,
): StoredMetadata {
  const secret = new Set(secretFields(type));
  const fields = (isSecret: boolean) =>
    Object.fromEntries(Object.entries(metadata).filter(([name]) => secret.has(name) === isSecret));
  const hidden = fields(true);
  if (Object.keys(hidden).length === 0) return { metadata: fields(false), secrets: null };
  if (keyring.current === null) {
    throw failedPrecondition(
      'This server has no key to encrypt secrets; its operator must set SECRETS_KEY first',
    );
  }
  return {
    metadata: fields(false),
    secrets: keyring.encrypt(JSON.stringify(hidden), contextOf(destinationId)),
  };
}

/**
 * The metadata with its decrypted secrets.
 * @throws SecretError when they cannot be decrypted.
 */
export function decryptMetadata(keyring: Keyring, destinationId: string, stored: StoredMetadata): Metadata {
  if (stored.secrets === null) return stored.metadata;
  const decrypted: unknown = JSON.parse(keyring.decrypt(stored.secrets, contextOf(destinationId)));
  if (!isObject(decrypted)) throw new SecretError('the decrypted secrets are not a JSON object');
  const secrets = Object.entries(decrypted).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return { ...stored.metadata, ...Object.fromEntries(secrets) };
}

/** The same secrets encrypted with the current key; null when they cannot be decrypted. */
export function reencryptSecrets(keyring: Keyring, destinationId: string, secrets: string): string | null {
  const context = contextOf(destinationId);
  try {
    return keyring.encrypt(keyring.decrypt(secrets, context), context);
  } catch (error) {
    if (error instanceof SecretError) return null;
    throw error;
  }
}
