import { createHash, createHmac } from 'node:crypto';

/** The browser's cookie that carries a session's secret. */
export const SESSION_COOKIE = 'forage_session';

export type CredentialKind = 'session' | 'access' | 'refresh' | 'personal' | 'set_up';

const LETTERS: Readonly<Record<CredentialKind, string>> = {
  session: 's',
  access: 'a',
  refresh: 'r',
  personal: 'p',
  set_up: 'u',
};

/**
 * A new secret of that kind: `forage_`, the kind's letter, `_`, 43 characters of base64url. The fixed prefix lets
 * secret scanners find one that leaked into a repository or a log.
 * @param newSecret gives 32 random bytes as base64url (`AppContext.newSecret`).
 */
export function makeSecret(kind: CredentialKind, newSecret: () => string): string {
  return `forage_${LETTERS[kind]}_${newSecret()}`;
}

/**
 * SHA-256 of a secret: all that is kept of it. No salt and no slow hash are needed, as a secret holds 256 random bits.
 */
export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret, 'utf8').digest();
}

/**
 * The CSRF token of a browser session, derived from the session's secret so that nothing more has to be stored:
 * whoever can read the HttpOnly cookie could make it, a foreign page cannot.
 */
export function csrfToken(sessionSecret: string): string {
  return createHmac('sha256', sessionSecret).update('csrf').digest('base64url');
}
