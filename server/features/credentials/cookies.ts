import { parseCookie, stringifySetCookie } from 'cookie';
import type { Config } from '#server/config.ts';

const SESSION = 'forage_session';
// Lax rather than Strict: links from other sites must open signed in. Requests that other sites post carry no cookie.
const ATTRIBUTES = { path: '/', httpOnly: true, sameSite: 'lax' } as const;

/** Whether browsers use HTTPS: to this server, or to a proxy that ends TLS at the public address. */
export const cookieIsSecure = ({ tls, publicUrl }: Pick<Config, 'tls' | 'publicUrl'>): boolean =>
  tls !== null || publicUrl?.startsWith('https://') === true;

/** With HTTPS the `__Host-` prefix keeps other hosts of the same domain, and the network, from setting the cookie. */
const fullName = (name: string, secure: boolean): string => `${secure ? '__Host-' : ''}${name}`;

/** A Set-Cookie header; with `expiresAt` null it deletes the cookie. */
export function setCookie(name: string, value: string, expiresAt: Date | null, secure: boolean): string {
  const life = expiresAt === null ? { expires: new Date(0), maxAge: 0 } : { expires: expiresAt };
  return stringifySetCookie({ ...ATTRIBUTES, ...life, name: fullName(name, secure), value, secure });
}

/** A cookie's value in a request's headers, or null. With HTTPS a cookie without the prefix is ignored. */
export function readCookie(name: string, headers: Pick<Headers, 'get'>, secure: boolean): string | null {
  return parseCookie(headers.get('cookie') ?? '')[fullName(name, secure)] ?? null;
}

/** The session's secret in a request's headers, or null. */
export const sessionSecretOf = (headers: Pick<Headers, 'get'>, secure: boolean): string | null =>
  readCookie(SESSION, headers, secure);

/** The Set-Cookie header that signs a browser in until `expiresAt`. */
export const sessionCookie = (secret: string, expiresAt: Date, secure: boolean): string =>
  setCookie(SESSION, secret, expiresAt, secure);

/** The Set-Cookie header that deletes the session cookie. */
export const clearedSessionCookie = (secure: boolean): string => setCookie(SESSION, '', null, secure);
