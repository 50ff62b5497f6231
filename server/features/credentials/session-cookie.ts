import { parseCookie, stringifySetCookie } from 'cookie';
import { SESSION_COOKIE } from './secret.ts';

/** The session's secret in a request's Cookie header, or null. */
export function sessionSecretOf(headers: Headers): string | null {
  const header = headers.get('cookie');
  return header === null ? null : (parseCookie(header)[SESSION_COOKIE] ?? null);
}

/** Secure cookies where people come by HTTPS: by the public address (a proxy ends TLS) or by the request itself. */
export function cookieIsSecure(publicUrl: string | null, requestUrl: string): boolean {
  return [publicUrl, requestUrl].some((url) => url?.startsWith('https://') === true);
}

// Lax, not Strict: an address that a colleague sent has to open signed in. Foreign pages cannot post with it.
const attributes = { name: SESSION_COOKIE, path: '/', httpOnly: true, sameSite: 'lax' } as const;

/** The Set-Cookie header that signs a browser in until `expiresAt`. */
export function sessionCookie(secret: string, expiresAt: Date, secure: boolean): string {
  return stringifySetCookie({ ...attributes, value: secret, expires: expiresAt, secure });
}

/** The Set-Cookie header that takes the session's cookie away. */
export function clearedSessionCookie(secure: boolean): string {
  return stringifySetCookie({ ...attributes, value: '', expires: new Date(0), maxAge: 0, secure });
}
