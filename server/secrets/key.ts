import { createHash, createSecretKey, type KeyObject } from 'node:crypto';

const KEY_BYTES = 32;
const ID_LENGTH = 8;
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;

/** Reading a key failed; the message never holds any of it. */
export class SecretsKeyError extends Error {}

/** One key for secrets at rest. */
export interface SecretsKey {
  /** Tells keys apart without telling anything of them: stands in front of all that the key has encrypted. */
  readonly id: string;
  /** Shows nothing of itself when it is logged. */
  readonly key: KeyObject;
}

/** The key of 32 bytes, which the caller gives up. */
function secretsKeyOf(bytes: Buffer): SecretsKey {
  const id = createHash('sha256').update('forage secrets key\0').update(bytes).digest('hex');
  return { id: id.slice(0, ID_LENGTH), key: createSecretKey(bytes) };
}

/**
 * Reads a key as the configuration has it: 32 bytes in base64 (or base64url).
 * @throws SecretsKeyError
 */
export function readSecretsKey(text: string): SecretsKey {
  const trimmed = text.trim();
  const bytes = Buffer.from(trimmed, 'base64');
  if (!BASE64.test(trimmed) || bytes.length !== KEY_BYTES) {
    throw new SecretsKeyError('must be 32 bytes in base64, such as `openssl rand -base64 32` makes');
  }
  return secretsKeyOf(bytes);
}
