import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import type { StreamRequest, UnaryRequest } from '@connectrpc/connect';
import { permissionDenied } from '#server/failure.ts';
import { csrfToken, hashSecret } from '#server/features/credentials/secret.ts';
import { sessionSecretOf } from '#server/features/credentials/session-cookie.ts';

/** What a request shows to prove who is calling. */
export interface Credential {
  readonly hash: Buffer;
  /** The cookie's secret when the credential is a browser session, else null. */
  readonly sessionSecret: string | null;
}

const CSRF_HEADER = 'x-csrf-token';

/** Reads the bearer token or, without one, the session cookie. Null when neither is there. */
export function credentialOf(header: Headers): Credential | null {
  const bearer = /^Bearer +(\S+)$/i.exec(header.get('authorization') ?? '')?.[1];
  if (bearer !== undefined) return { hash: hashSecret(bearer), sessionSecret: null };
  const secret = sessionSecretOf(header);
  return secret === null || secret === '' ? null : { hash: hashSecret(secret), sessionSecret: secret };
}

/**
 * A browser sends its cookie along with requests that other sites make. So whatever writes must also show the session's
 * CSRF token, which only our own pages can read. Bearer calls are exempt: no browser adds them by itself.
 */
export function requireCsrfToken(credential: Credential | null, request: UnaryRequest | StreamRequest): void {
  const secret = credential?.sessionSecret;
  if (secret == null || request.method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS) return;
  // Signing in replaces whatever session there was; it needs the password.
  if (request.method.parent.name === 'SessionService' && request.method.name !== 'SignOut') return;
  if (request.header.get(CSRF_HEADER) === csrfToken(secret)) return;
  throw permissionDenied(
    `the ${CSRF_HEADER} header is missing or belongs to another session: reload the page`,
  );
}
