import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';

export type CredentialKind = 'session' | 'access' | 'refresh' | 'personal' | 'set_up' | 'service';

const LETTERS: Readonly<Record<CredentialKind, string>> = {
  session: 's',
  access: 'a',
  refresh: 'r',
  personal: 'p',
  set_up: 'u',
  service: 'b',
};

/** People and scripts store these, so they are the ones that leak. */
const WITH_CHECKSUM: ReadonlySet<CredentialKind> = new Set(['personal', 'service']);

/**
 * A new secret: `forage_`, the kind's letter, `_`, 43 characters of base64url. The prefix lets secret scanners find one
 * in a repository or a log. Access tokens end in a checksum, by which a scanner recognises them offline: the CRC-32 of
 * the rest, as six digits of base 62.
 * @param newSecret gives 32 random bytes as base64url (`AppContext.newSecret`).
 */
export function makeSecret(kind: CredentialKind, newSecret: () => string): string {
  const secret = `forage_${LETTERS[kind]}_${newSecret()}`;
  return WITH_CHECKSUM.has(kind) ? `${secret}${checksum(secret)}` : secret;
}

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

function checksum(text: string): string {
  let digits = '';
  for (let rest = crc32(text); digits.length < 6; rest = Math.floor(rest / 62)) {
    digits = `${DIGITS[rest % 62]}${digits}`;
  }
  return digits;
}

/** The SHA-256 that is stored of a secret. Its 256 random bits need neither a salt nor a slow hash. */
export function hashSecret(secret: string): Buffer {
  return hash('sha256', secret, 'buffer');
}

/** Compares in constant time. */
export const equalSecrets = (one: string, other: string): boolean =>
  timingSafeEqual(hashSecret(one), hashSecret(other));

/** The token of an `Authorization: Bearer` header; null without one. */
export const bearerOf = (authorization: string | null | undefined): string | null =>
  /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? null;

/** The CSRF token of a session, derived from its secret: another site cannot read the cookie, so it cannot derive it. */
export function csrfToken(sessionSecret: string): string {
  return createHmac('sha256', sessionSecret).update('csrf').digest('base64url');
}
