import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createSecretKey,
  type KeyObject,
  randomBytes,
} from 'node:crypto';

const ALGORITHM = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const VERSION = 'v1';
const ID_LENGTH = 8;
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;

/** One key for secrets at rest. */
export interface SecretsKey {
  /** A hash that identifies the key; the prefix of all values that it encrypted. */
  readonly id: string;
  /** Shows no key material when it is logged. */
  readonly key: KeyObject;
}

/**
 * Reads a key of 32 bytes in base64 or base64url.
 * @throws Error that says what is wrong, without anything of the key
 */
export function readSecretsKey(text: string): SecretsKey {
  const trimmed = text.trim();
  const bytes = Buffer.from(trimmed, 'base64');
  if (!BASE64.test(trimmed) || bytes.length !== KEY_BYTES)
    throw new Error('must be 32 bytes in base64, such as `openssl rand -base64 32` makes');
  const id = createHash('sha256').update('forage secrets key\0').update(bytes).digest('hex');
  return { id: id.slice(0, ID_LENGTH), key: createSecretKey(bytes) };
}

/** A secret cannot be encrypted or decrypted. The message contains nothing of it. */
export class SecretError extends Error {
  override readonly name = 'SecretError';
}

/** Encrypts secrets for the database, and decrypts them. */
export interface Keyring {
  /** The id of the key that encrypts; null if there is none. */
  readonly current: string | null;
  /**
   * @param about the owner of the secret, such as the id of its row, which `decrypt` must repeat
   * @throws SecretError without a current key
   */
  encrypt(secret: string, about: string): string;
  /** @throws SecretError */
  decrypt(encrypted: string, about: string): string;
  /** Whether the keyring has this key. */
  has(keyId: string): boolean;
}

/** The id of the key that encrypted a secret, from its prefix. */
export const keyIdOf = (encrypted: string): string => encrypted.split(':', 2)[1] ?? '';

/**
 * Creates a keyring: `current` encrypts, all keys decrypt. The format is `v1:<key id>:<nonce, ciphertext and tag in base64url>`,
 * AES-256-GCM with a random nonce of 96 bits, which is safe for up to 2^32 secrets per key.
 */
export function createKeyring(current: SecretsKey | null, old: readonly SecretsKey[]): Keyring {
  const keys = new Map([...old, ...(current === null ? [] : [current])].map((one) => [one.id, one.key]));
  return {
    current: current?.id ?? null,
    encrypt(secret, about) {
      if (current === null) throw new SecretError('SECRETS_KEY is not set, so secrets cannot be encrypted');
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(ALGORITHM, current.key, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(Buffer.from(about));
      const parts = [nonce, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()];
      return `${VERSION}:${current.id}:${Buffer.concat(parts).toString('base64url')}`;
    },
    decrypt(encrypted, about) {
      const [version, keyId = '', text = '', ...rest] = encrypted.split(':');
      const bytes = Buffer.from(text, 'base64url');
      if (version !== VERSION || rest.length > 0 || bytes.length < NONCE_BYTES + TAG_BYTES) {
        throw new SecretError('the stored value is not an encrypted secret');
      }
      const key = keys.get(keyId);
      if (key === undefined) {
        throw new SecretError(`it was encrypted with key ${keyId}, which is not configured`);
      }
      const nonce = bytes.subarray(0, NONCE_BYTES);
      const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(about));
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      try {
        const decrypted = [decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()];
        return Buffer.concat(decrypted).toString('utf8');
      } catch {
        throw new SecretError('it was changed in the database, or belongs to another row');
      }
    },
    has: (keyId) => keys.has(keyId),
  };
}
