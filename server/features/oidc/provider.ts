import * as client from 'openid-client';
import { isLoopbackUrl, type OidcProvider } from '#server/oidc-config.ts';
import { SignInProblem } from './problem.ts';

/** The secrets of one pending sign-in. */
export interface Secrets {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

/** What a provider says about a user, by name. */
export type Source = Readonly<Record<string, unknown>>;

/** A user as the provider describes them. */
export interface Claims {
  readonly issuer: string;
  readonly subject: string;
  readonly idToken: Source;
  /** null when the ID token says all that is needed, or the provider has none. */
  readonly userInfo: Source | null;
}

const TIMEOUT_SECONDS = 10;
/** How long a provider's metadata is cached; the library refreshes its keys. */
const METADATA_MAX_AGE_MS = 60 * 60_000;
/** How much the clocks of provider and server may differ. */
const CLOCK_TOLERANCE_SECONDS = 60;
/** The specification allows at most 255 characters of ASCII. */
const SUBJECT = /^[\x20-\x7e]{1,255}$/;

const cache = new WeakMap<OidcProvider, { configuration: Promise<client.Configuration>; since: number }>();

/**
 * The provider's metadata, fetched at its first sign-in, so that an unavailable provider does not keep the server from
 * starting. Errors are not cached.
 * @throws SignInProblem `provider_away`.
 */
async function discover(provider: OidcProvider): Promise<client.Configuration> {
  const cached = cache.get(provider);
  if (cached !== undefined && performance.now() - cached.since < METADATA_MAX_AGE_MS)
    return cached.configuration;
  const configuration = fetchMetadata(provider);
  cache.set(provider, { configuration, since: performance.now() });
  configuration.catch(() => cache.delete(provider));
  return configuration;
}

async function fetchMetadata({
  issuer,
  clientId,
  clientSecret,
}: OidcProvider): Promise<client.Configuration> {
  const server = new URL(issuer);
  // Checks the signature of ID tokens, also of those that come straight from the provider.
  const execute = [client.enableNonRepudiationChecks];
  if (server.protocol === 'http:' && isLoopbackUrl(server)) execute.push(client.allowInsecureRequests);
  const authentication = clientSecret === null ? client.None() : secretAuthentication(clientSecret);
  try {
    const metadata = { [client.clockTolerance]: CLOCK_TOLERANCE_SECONDS };
    return await client.discovery(server, clientId, metadata, authentication, {
      execute,
      timeout: TIMEOUT_SECONDS,
    });
  } catch (error) {
    throw new SignInProblem('provider_away', error);
  }
}

/** Sends the client secret as the specification prefers, or in the body for providers that accept nothing else. */
function secretAuthentication(secret: string): client.ClientAuth {
  const [basic, post] = [client.ClientSecretBasic(secret), client.ClientSecretPost(secret)];
  return (server, ...rest) => {
    const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    const inBody = methods.includes('client_secret_post') && !methods.includes('client_secret_basic');
    (inBody ? post : basic)(server, ...rest);
  };
}

export const newSecrets = (): Secrets => ({
  state: client.randomState(),
  nonce: client.randomNonce(),
  codeVerifier: client.randomPKCECodeVerifier(),
});

/**
 * The provider's address that the browser goes to.
 * @throws SignInProblem `provider_away`.
 */
export async function authorizationUrl(
  provider: OidcProvider,
  redirectUri: string,
  { state, nonce, codeVerifier }: Secrets,
): Promise<URL> {
  return client.buildAuthorizationUrl(await discover(provider), {
    redirect_uri: redirectUri,
    scope: provider.scopes,
    response_type: 'code',
    state,
    nonce,
    code_challenge: await client.calculatePKCECodeChallenge(codeVerifier),
    code_challenge_method: 'S256',
  });
}

/**
 * Exchanges the code that the browser brought for the user's claims. The library checks the state, the issuer (also in the
 * response, if it is there), the audience, the nonce, the times and the signature of the ID token.
 * @param callback the redirect URI with the browser's query.
 * @throws SignInProblem `cancelled`, `provider_away`, `provider_refused`.
 */
export async function exchange(provider: OidcProvider, callback: URL, secrets: Secrets): Promise<Claims> {
  const configuration = await discover(provider);
  try {
    const tokens = await client.authorizationCodeGrant(configuration, callback, {
      expectedState: secrets.state,
      expectedNonce: secrets.nonce,
      pkceCodeVerifier: secrets.codeVerifier,
      idTokenExpected: true,
    });
    const claims = tokens.claims();
    if (claims === undefined || !SUBJECT.test(claims.sub)) throw new SignInProblem('provider_refused');
    // Many providers say in the user info only what the address is, or that it is verified.
    const isComplete = claims['email'] !== undefined && claims['email_verified'] !== undefined;
    const hasUserInfo = configuration.serverMetadata().userinfo_endpoint !== undefined;
    const userInfo =
      isComplete || !hasUserInfo
        ? null
        : await client.fetchUserInfo(configuration, tokens.access_token, claims.sub);
    return { issuer: claims.iss, subject: claims.sub, idToken: claims, userInfo };
  } catch (error) {
    throw problemOf(error);
  }
}

function problemOf(error: unknown): SignInProblem {
  if (error instanceof SignInProblem) return error;
  if (error instanceof client.AuthorizationResponseError && error.error === 'access_denied')
    return new SignInProblem('cancelled', error);
  return new SignInProblem(isAway(error) ? 'provider_away' : 'provider_refused', error);
}

/** Unreachable or too slow; `fetch` fails with a TypeError. */
const isAway = (error: unknown): boolean =>
  (error instanceof TypeError && error.cause instanceof Error) ||
  (error instanceof client.ClientError && error.code === 'OAUTH_TIMEOUT');
