import { createHash } from 'node:crypto';
import { parseCookie, stringifySetCookie } from 'cookie';
import type { AppContext } from '#server/context.ts';
import { cookieIsSecure } from '#server/features/credentials/session-cookie.ts';
import type { Begun } from './pending-service.ts';

/**
 * A cookie for each sign-in that is under way, so that two tabs do not disturb each other. Behind TLS its name says that no
 * other host, such as a sibling below the same domain, can have set it: else that host could have a person signed in as
 * somebody else.
 */
const nameOf = (app: AppContext, state: string): string => {
  const digest = createHash('sha256').update(state).digest('hex').slice(0, 16);
  return `${cookieIsSecure(app.config) ? '__Host-' : ''}forage_oidc_${digest}`;
};

// Lax: the provider sends the browser back by a link.
const attributes = (app: AppContext) =>
  ({ path: '/', httpOnly: true, sameSite: 'lax', secure: cookieIsSecure(app.config) }) as const;

/** The Set-Cookie header by which the browser is known when it comes back from the provider. */
export function browserCookie(app: AppContext, { state, browserSecret, expiresAt }: Begun): string {
  const name = nameOf(app, state);
  return stringifySetCookie({ ...attributes(app), name, value: browserSecret, expires: expiresAt });
}

/** The Set-Cookie header that takes it away. */
export function clearedBrowserCookie(app: AppContext, state: string): string {
  const name = nameOf(app, state);
  return stringifySetCookie({ ...attributes(app), name, value: '', expires: new Date(0), maxAge: 0 });
}

/** What the browser brings back of the sign-in with that state; null when it did not begin it. */
export function browserSecretOf(
  app: AppContext,
  cookieHeader: string | undefined,
  state: string,
): string | null {
  return parseCookie(cookieHeader ?? '')[nameOf(app, state)] ?? null;
}
