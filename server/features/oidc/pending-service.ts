import type { AppContext } from '#server/context.ts';
import { hashSecret } from '#server/features/credentials/secret.ts';
import { networkOf } from '#server/http/client-address.ts';
import type { OidcProvider } from '#server/oidc-config.ts';
import { requestScope } from '#server/request-scope.ts';
import { SignInProblem } from './problem.ts';
import { authorizationUrl, newSecrets, type Secrets } from './provider.ts';
import { insertPending, type PendingRow, takePending } from './store.ts';

const LIFE_MS = 10 * 60_000;
/** Under way from one address, or network of IPv6, at once: more than a company behind one gate has, less than fills a disk. */
const MOST_PER_ADDRESS = 200;

/** What a sign-in by a provider is for. */
export type Purpose =
  | { readonly kind: 'sign_in' }
  /** A signed-in user connects an identity. */
  | { readonly kind: 'connect'; readonly userId: string }
  /** The first admin comes to an empty server, with its one-time token. */
  | { readonly kind: 'set_up'; readonly token: string; readonly organisation: string };

/** A sign-in that has been begun. */
export interface Begun {
  /** Where the browser goes. */
  readonly url: URL;
  readonly state: string;
  /** For the cookie by which the same browser is known when it comes back. */
  readonly browserSecret: string;
  readonly expiresAt: Date;
}

/** The provider of that name. @throws SignInProblem `unknown_provider`. */
export function providerOf(app: AppContext, id: string): OidcProvider {
  const provider = app.config.oidcProviders.find((one) => one.id === id);
  if (provider === undefined) throw new SignInProblem('unknown_provider');
  return provider;
}

/** Where a provider sends people back to: as registered there. */
export const redirectUri = (app: AppContext, provider: OidcProvider): string =>
  `${app.publicUrl()}/auth/oidc/${provider.id}/callback`;

/**
 * Begins a sign-in, an identity's connection or the set-up by a provider. It is good for ten minutes, in this browser, once.
 * @param returnTo a path of ours, checked.
 * @throws SignInProblem `provider_away`, `busy`.
 */
export async function begin(
  app: AppContext,
  provider: OidcProvider,
  purpose: Purpose,
  returnTo: string,
): Promise<Begun> {
  const secrets = newSecrets();
  // First the provider: of one that is away nothing is kept.
  const url = await authorizationUrl(provider, redirectUri(app, provider), secrets);
  const browserSecret = app.newSecret();
  const now = app.clock.now();
  const expiresAt = new Date(now.getTime() + LIFE_MS);
  const stored = await insertPending(
    app.db,
    {
      stateHash: hashSecret(secrets.state),
      browserHash: hashSecret(browserSecret),
      provider: provider.id,
      nonce: secrets.nonce,
      codeVerifier: secrets.codeVerifier,
      returnTo,
      userId: purpose.kind === 'connect' ? purpose.userId : null,
      setUpTokenHash: purpose.kind === 'set_up' ? hashSecret(purpose.token) : null,
      organisation: purpose.kind === 'set_up' ? purpose.organisation : null,
      address: networkOf(requestScope()?.address ?? null),
      now,
      expiresAt,
    },
    MOST_PER_ADDRESS,
  );
  if (!stored) throw new SignInProblem('busy');
  return { url, state: secrets.state, browserSecret, expiresAt };
}

/**
 * What was begun, by what the browser brings back. It is spent by this: nothing that comes with it is taken twice.
 * @throws SignInProblem `expired`: unknown, spent, too old, of another browser or of another provider.
 */
export async function take(
  app: AppContext,
  provider: OidcProvider,
  state: string,
  browserSecret: string | null,
): Promise<{ pending: PendingRow; secrets: Secrets }> {
  if (browserSecret === null) throw new SignInProblem('expired');
  const hashes = [hashSecret(state), hashSecret(browserSecret)] as const;
  const pending = await takePending(app.db, ...hashes, provider.id, app.clock.now());
  if (pending === null) throw new SignInProblem('expired');
  return { pending, secrets: { state, nonce: pending.nonce, codeVerifier: pending.codeVerifier } };
}
