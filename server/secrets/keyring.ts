import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { SecretsKey } from './key.ts';

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const VERSION = 'v1';

/** What was encrypted cannot be read: of a key that is not given, of another place, or changed. Holds nothing of it. */
export class SealError extends Error {
  override readonly name = 'SealError';
}

/** Encrypts secrets for the database, and decrypts them. */
export interface Keyring {
  /** The id of the key that seals; null when there is none. */
  readonly current: string | null;
  /**
   * @param about what the secret belongs to, such as its row's id: it can be opened for that alone
   * @throws SealError without a current key
   */
  seal(secret: string, about: string): string;
  /** @throws SealError */
  open(sealed: string, about: string): string;
  /** Whether the key is given by which that was sealed. */
  knows(keyId: string): boolean;
}

/** The id of the key that sealed this, as it stands in front. */
export const keyIdOf = (sealed: string): string => sealed.split(':', 2)[1] ?? '';

/**
 * A ring of keys: `current` seals, and all of them open. What is sealed reads `v1:key id:nonce, ciphertext and tag`, the last
 * in base64url: AES-256 in GCM with a random nonce of 96 bits, of which one key makes far fewer than 2^32.
 */
export function createKeyring(current: SecretsKey | null, old: readonly SecretsKey[]): Keyring {
  const keys = new Map([...old, ...(current === null ? [] : [current])].map((one) => [one.id, one.key]));
  return {
    current: current?.id ?? null,
    seal(secret, about) {
      if (current === null) throw new SealError('there is no SECRETS_KEY to encrypt a secret with');
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(ALGORITHM, current.key, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(Buffer.from(about));
      const parts = [nonce, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()];
      return `${VERSION}:${current.id}:${Buffer.concat(parts).toString('base64url')}`;
    },
    open(sealed, about) {
      const [version, keyId = '', text = '', ...rest] = sealed.split(':');
      const bytes = Buffer.from(text, 'base64url');
      if (version !== VERSION || rest.length > 0 || bytes.length < NONCE_BYTES + TAG_BYTES) {
        throw new SealError('what is stored is no secret that was encrypted here');
      }
      const key = keys.get(keyId);
      if (key === undefined) {
        throw new SealError(`it was encrypted with key ${keyId}, which this server is not given`);
      }
      const nonce = bytes.subarray(0, NONCE_BYTES);
      const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(about));
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      try {
        const opened = [decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()];
        return Buffer.concat(opened).toString('utf8');
      } catch {
        throw new SealError('it was changed in the database, or belongs to another place');
      }
    },
    knows: (keyId) => keys.has(keyId),
  };
}
