import * as client from 'openid-client';
import { isLoopbackUrl, type OidcProvider } from '#server/oidc-config.ts';
import { SignInProblem } from './problem.ts';

/** What is kept of a sign-in while the browser is at the provider. */
export interface Secrets {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

/** Somebody as a provider vouches for them. */
export interface Claims {
  readonly issuer: string;
  readonly subject: string;
  readonly email: string | null;
  readonly emailVerified: boolean;
  /** What the provider calls them. */
  readonly preferredUsername: string | null;
}

/** How long a provider may take for an answer. */
const PATIENCE_SECONDS = 10;
/** How long what a provider tells of itself is good. Its keys are looked after by the library. */
const GOOD_FOR_MS = 60 * 60_000;
/** As the specification has it: at most 255 characters of ASCII. */
const SUBJECT = /^[\x20-\x7e]{1,255}$/;

interface Known {
  readonly configuration: Promise<client.Configuration>;
  readonly since: number;
}
const known = new WeakMap<OidcProvider, Known>();

/**
 * What the provider tells of itself: asked for at the first sign-in, so that one that is away stops no start, and again
 * after an hour. A failure is not remembered.
 * @throws SignInProblem `provider_away`.
 */
async function discover(provider: OidcProvider): Promise<client.Configuration> {
  const found = known.get(provider);
  if (found !== undefined && performance.now() - found.since < GOOD_FOR_MS) return found.configuration;
  const configuration = ask(provider);
  known.set(provider, { configuration, since: performance.now() });
  configuration.catch(() => known.delete(provider));
  return configuration;
}

async function ask({ issuer, clientId, clientSecret }: OidcProvider): Promise<client.Configuration> {
  const server = new URL(issuer);
  // The signature of ID tokens is always checked, also of those that come straight from the provider.
  const execute = [client.enableNonRepudiationChecks];
  if (server.protocol === 'http:' && isLoopbackUrl(server)) execute.push(client.allowInsecureRequests);
  const authentication = clientSecret === null ? client.None() : bySecret(clientSecret);
  try {
    return await client.discovery(server, clientId, undefined, authentication, {
      execute,
      timeout: PATIENCE_SECONDS,
    });
  } catch (error) {
    throw new SignInProblem('provider_away', error);
  }
}

/** Shows the client's secret as the specification prefers it, or, where a provider takes it no other way, in the body. */
function bySecret(secret: string): client.ClientAuth {
  const [basic, post] = [client.ClientSecretBasic(secret), client.ClientSecretPost(secret)];
  return (server, ...rest) => {
    const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    const inBody = methods.includes('client_secret_post') && !methods.includes('client_secret_basic');
    (inBody ? post : basic)(server, ...rest);
  };
}

/** New secrets for one sign-in. */
export const newSecrets = (): Secrets => ({
  state: client.randomState(),
  nonce: client.randomNonce(),
  codeVerifier: client.randomPKCECodeVerifier(),
});

/**
 * The address at the provider to which the browser goes.
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
 * Exchanges the code that the browser brought for what the provider vouches for. The library checks the state, the issuer
 * (in the answer too, where the provider names it there), the audience, the nonce, the times and the signature of the
 * ID token.
 * @param callback the redirect URI with the query that the browser came with.
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
    // Many providers tell the address by this second question only.
    const asks = claims['email'] === undefined && configuration.serverMetadata().userinfo_endpoint;
    const told = asks ? await client.fetchUserInfo(configuration, tokens.access_token, claims.sub) : claims;
    return {
      issuer: claims.iss,
      subject: claims.sub,
      // Both of one source: an address of here is never verified by a word from there.
      email: textOf(told['email']),
      emailVerified: told['email_verified'] === true,
      preferredUsername: textOf(claims['preferred_username']) ?? textOf(told['preferred_username']),
    };
  } catch (error) {
    throw problemOf(error);
  }
}

const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

function problemOf(error: unknown): SignInProblem {
  if (error instanceof SignInProblem) return error;
  if (error instanceof client.AuthorizationResponseError && error.error === 'access_denied')
    return new SignInProblem('cancelled', error);
  return new SignInProblem(isAway(error) ? 'provider_away' : 'provider_refused', error);
}

/** Not reached, or too slow; `fetch` fails with a TypeError. */
const isAway = (error: unknown): boolean =>
  (error instanceof TypeError && error.cause instanceof Error) ||
  (error instanceof client.ClientError && error.code === 'OAUTH_TIMEOUT');
