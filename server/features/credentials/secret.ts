import { createHmac, hash } from 'node:crypto';
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

/** People and scripts keep these, so they are the ones that leak. */
const KEPT: ReadonlySet<CredentialKind> = new Set(['personal', 'service']);

/**
 * A new secret of that kind: `forage_`, the kind's letter, `_`, 43 characters of base64url. The fixed prefix lets
 * secret scanners find one that leaked into a repository or a log. An access token has a checksum behind it, by which they
 * know one without asking: the CRC-32 of all before it, as six digits of base 62.
 * @param newSecret gives 32 random bytes as base64url (`AppContext.newSecret`).
 */
export function makeSecret(kind: CredentialKind, newSecret: () => string): string {
  const secret = `forage_${LETTERS[kind]}_${newSecret()}`;
  return KEPT.has(kind) ? `${secret}${checksum(secret)}` : secret;
}

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

function checksum(text: string): string {
  let digits = '';
  for (let rest = crc32(text); digits.length < 6; rest = Math.floor(rest / 62)) {
    digits = `${DIGITS[rest % 62]}${digits}`;
  }
  return digits;
}

/**
 * SHA-256 of a secret: all that is kept of it. No salt and no slow hash are needed, as a secret holds 256 random bits.
 */
export function hashSecret(secret: string): Buffer {
  return hash('sha256', secret, 'buffer');
}

/**
 * The CSRF token of a browser session, derived from the session's secret so that nothing more has to be stored:
 * whoever can read the HttpOnly cookie could make it, a foreign page cannot.
 */
export function csrfToken(sessionSecret: string): string {
  return createHmac('sha256', sessionSecret).update('csrf').digest('base64url');
}
