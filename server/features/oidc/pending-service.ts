import { createHash } from 'node:crypto';
import type { AppContext } from '#server/context.ts';
import { cookieIsSecure, readCookie, setCookie } from '#server/features/credentials/cookies.ts';
import { hashSecret } from '#server/features/credentials/secret.ts';
import { networkOf } from '#server/http/client-address.ts';
import type { OidcProvider } from '#server/oidc-config.ts';
import { requestScope } from '#server/request-scope.ts';
import { SignInProblem } from './problem.ts';
import { authorizationUrl, newSecrets, type Secrets } from './provider.ts';
import { insertPending, type PendingRow, takePending } from './store.ts';

const LIFETIME_MS = 10 * 60_000;
/** Per address or IPv6 network: more than a company behind one address needs, too few to fill a disk. */
const MAX_PENDING = 200;

/** What a sign-in by a provider is for. */
export type Purpose =
  | { readonly kind: 'sign_in' }
  /** A signed-in user connects an identity. */
  | { readonly kind: 'connect'; readonly userId: string }
  /** The first admin of an empty server, with the set-up token. */
  | { readonly kind: 'set_up'; readonly token: string; readonly organisation: string };

export interface PendingSignIn {
  /** The provider's address for the browser. */
  readonly url: URL;
  /** The Set-Cookie header that binds the sign-in to this browser. */
  readonly cookie: string;
}

/** @throws SignInProblem `unknown_provider`. */
export function providerOf(app: AppContext, id: string): OidcProvider {
  const provider = app.config.oidcProviders.find((one) => one.id === id);
  if (provider === undefined) throw new SignInProblem('unknown_provider');
  return provider;
}

/** Where a provider redirects to, as registered there. */
export const redirectUri = (app: AppContext, provider: OidcProvider): string =>
  `${app.publicUrl()}/auth/oidc/${provider.id}/callback`;

/**
 * Begins a sign-in, which this browser can complete once within ten minutes.
 * @param returnTo a path of this site, checked.
 * @throws SignInProblem `provider_away`, `busy`.
 */
export async function beginSignIn(
  app: AppContext,
  provider: OidcProvider,
  purpose: Purpose,
  returnTo: string,
): Promise<PendingSignIn> {
  const secrets = newSecrets();
  const { state, nonce, codeVerifier } = secrets;
  // Contacts the provider first, so that nothing is stored while it is unavailable.
  const url = await authorizationUrl(provider, redirectUri(app, provider), secrets);
  const browserSecret = app.newSecret();
  const now = app.clock.now();
  const expiresAt = new Date(now.getTime() + LIFETIME_MS);
  const inserted = await app.db.run(insertPending, [
    hashSecret(state),
    hashSecret(browserSecret),
    provider.id,
    nonce,
    codeVerifier,
    returnTo,
    purpose.kind === 'connect' ? purpose.userId : null,
    purpose.kind === 'set_up' ? hashSecret(purpose.token) : null,
    purpose.kind === 'set_up' ? purpose.organisation : null,
    networkOf(requestScope()?.address ?? null),
    expiresAt,
    now,
    MAX_PENDING,
  ]);
  if (inserted.length === 0) throw new SignInProblem('busy');
  const cookie = setCookie(cookieName(state), browserSecret, expiresAt, cookieIsSecure(app.config));
  return { url, cookie };
}

/** Each pending sign-in has its own cookie, so that two tabs do not interfere. */
const cookieName = (state: string): string =>
  `forage_oidc_${createHash('sha256').update(state).digest('hex').slice(0, 16)}`;

/** The Set-Cookie header that deletes the cookie of a pending sign-in. */
export const clearedCookie = (app: AppContext, state: string): string =>
  setCookie(cookieName(state), '', null, cookieIsSecure(app.config));

/**
 * Ends the pending sign-in with which the browser returns. Returns its stored data.
 * @throws SignInProblem `expired`: unknown, used, too old, of another browser or of another provider.
 */
export async function takeSignIn(
  app: AppContext,
  provider: OidcProvider,
  state: string,
  headers: Pick<Headers, 'get'>,
): Promise<{ pending: PendingRow; secrets: Secrets }> {
  const browserSecret = readCookie(cookieName(state), headers, cookieIsSecure(app.config));
  if (browserSecret === null) throw new SignInProblem('expired');
  const params = [hashSecret(state), hashSecret(browserSecret), provider.id, app.clock.now()] as const;
  const [pending] = await app.db.run(takePending, params);
  if (pending === undefined) throw new SignInProblem('expired');
  return { pending, secrets: { state, nonce: pending.nonce, codeVerifier: pending.codeVerifier } };
}
