import { parseCookie, stringifySetCookie } from 'cookie';
import type { Config } from '#server/config.ts';

/** The browser's cookie that carries a session's secret. */
const SESSION_COOKIE = 'forage_session';

// Lax, not Strict: an address that a colleague sent has to open signed in. Foreign pages cannot post with it.
const attributes = { path: '/', httpOnly: true, sameSite: 'lax' } as const;

/** Whether people come by HTTPS: to this server, or to a proxy that ends TLS at the public address. */
export const cookieIsSecure = ({ tls, publicUrl }: Pick<Config, 'tls' | 'publicUrl'>): boolean =>
  tls !== null || publicUrl?.startsWith('https://') === true;

/**
 * Behind TLS the name is one that browsers take from this very host alone, over TLS: else another host below the same domain,
 * or somebody on the wire, could set a cookie that has a person work as somebody else.
 */
const nameOf = (secure: boolean): string => `${secure ? '__Host-' : ''}${SESSION_COOKIE}`;

/** The session's secret in a request's Cookie header, or null. Behind TLS no other name of the cookie is read. */
export function sessionSecretOf(headers: Pick<Headers, 'get'>, secure: boolean): string | null {
  const header = headers.get('cookie');
  return header === null ? null : (parseCookie(header)[nameOf(secure)] ?? null);
}

/** The Set-Cookie header that signs a browser in until `expiresAt`. */
export function sessionCookie(secret: string, expiresAt: Date, secure: boolean): string {
  return stringifySetCookie({
    ...attributes,
    name: nameOf(secure),
    value: secret,
    expires: expiresAt,
    secure,
  });
}

/** The Set-Cookie header that takes the session's cookie away. */
export function clearedSessionCookie(secure: boolean): string {
  const gone = { value: '', expires: new Date(0), maxAge: 0 };
  return stringifySetCookie({ ...attributes, name: nameOf(secure), ...gone, secure });
}
