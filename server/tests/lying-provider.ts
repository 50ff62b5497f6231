import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';

export const CLIENT = { id: 'forage-test', secret: 'a-secret-of-the-client-0123456789abcdef' };

/** The provider's next response, and what is wrong with it. */
export interface Story {
  /** Changed or added claims; undefined leaves one out. */
  readonly claims?: Record<string, unknown>;
  /** The response of the userinfo endpoint, which is not used by default. */
  readonly userinfo?: Record<string, unknown>;
  /** How the ID token is signed: correctly, not at all, with the client secret, with this key, or changed afterwards. */
  readonly sign?: 'truly' | 'none' | 'hmac' | 'tampered' | CryptoKey;
  /** No ID token at all. */
  readonly noIdToken?: boolean;
  /** Changed or added parameters of the redirect; undefined leaves one out. */
  readonly answer?: Record<string, string | undefined>;
  /** Accepts a code more than once and without verification. */
  readonly careless?: boolean;
}

export interface LyingProvider {
  readonly issuer: string;
  readonly privateKey: CryptoKey;
  /** Additional metadata. */
  metadata: Record<string, unknown>;
  /** How many requests its token endpoint received. */
  exchanges(): number;
  /** Consents as the user would, and returns the query of the redirect. */
  consent(authorizationUrl: URL, story?: Story): string;
  /** Stops it; `again` restarts it at the same address. */
  stop(): Promise<void>;
  again(): Promise<void>;
}

interface Grant {
  readonly story: Story;
  readonly nonce: string;
  readonly challenge: string;
  readonly redirectUri: string;
  spent: boolean;
}

/** An OpenID Connect provider on loopback, which responds correctly unless a story says otherwise. */
export async function startLyingProvider(): Promise<LyingProvider> {
  const { privateKey, publicKey } = await generateKeyPair('RS256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256', use: 'sig' };
  const grants = new Map<string, Grant>();
  let exchanges = 0;
  let issuer = '';
  const provider: LyingProvider = {
    get issuer() {
      return issuer;
    },
    privateKey,
    metadata: {},
    exchanges: () => exchanges,
    consent(url, story = {}) {
      const query = url.searchParams;
      const code = randomUUID();
      grants.set(code, {
        story,
        nonce: query.get('nonce') ?? '',
        challenge: query.get('code_challenge') ?? '',
        redirectUri: query.get('redirect_uri') ?? '',
        spent: false,
      });
      const answer = { code, state: query.get('state') ?? '', ...story.answer };
      // Through JSON, which leaves out undefined values.
      return new URLSearchParams(JSON.parse(JSON.stringify(answer))).toString();
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
    again: () => listen(Number(new URL(issuer).port)),
  };

  const idToken = async ({ story, nonce }: Grant): Promise<string> => {
    const now = Math.floor(Date.now() / 1000);
    const claims: JWTPayload = {
      iss: issuer,
      aud: CLIENT.id,
      sub: 'subject-1',
      nonce,
      iat: now,
      exp: now + 300,
      email: 'ada@example.com',
      email_verified: true,
      ...story.claims,
    };
    const { sign = 'truly' } = story;
    if (sign === 'none') return new UnsecuredJWT(claims).encode();
    if (sign === 'hmac') {
      const key = new TextEncoder().encode(CLIENT.secret);
      return await new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(key);
    }
    const key = typeof sign === 'string' ? privateKey : sign;
    const token = await new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'one' }).sign(key);
    if (sign !== 'tampered') return token;
    const [header, , signature] = token.split('.');
    const other = Buffer.from(JSON.stringify({ ...claims, sub: 'somebody-else' })).toString('base64url');
    return [header, other, signature].join('.');
  };

  /** Whether the client sends its secret by a supported method; by default in a header. */
  const isClient = (request: IncomingMessage, form: URLSearchParams): boolean => {
    const methods = provider.metadata['token_endpoint_auth_methods_supported'] ?? ['client_secret_basic'];
    const [scheme, credentials = ''] = (request.headers.authorization ?? '').split(' ');
    const decoded = decodeURIComponent(Buffer.from(credentials, 'base64').toString());
    const shown = {
      client_secret_basic: scheme === 'Basic' && decoded === `${CLIENT.id}:${CLIENT.secret}`,
      client_secret_post: form.get('client_id') === CLIENT.id && form.get('client_secret') === CLIENT.secret,
      none: form.get('client_id') === CLIENT.id && request.headers.authorization === undefined,
    };
    return Object.entries(shown).some(([method, is]) => is && String(methods).split(',').includes(method));
  };

  const exchange = async (request: IncomingMessage, response: ServerResponse) => {
    exchanges++;
    const form = new URLSearchParams(await text(request));
    if (!isClient(request, form)) return json(response, 401, { error: 'invalid_client' });
    const code = form.get('code') ?? '';
    const grant = grants.get(code);
    const verifier = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    const right =
      grant !== undefined &&
      (grant.story.careless ||
        (!grant.spent && grant.challenge === verifier && grant.redirectUri === form.get('redirect_uri')));
    if (!right) return json(response, 400, { error: 'invalid_grant' });
    grant.spent = true;
    json(response, 200, {
      access_token: `access-${code}`,
      token_type: 'Bearer',
      expires_in: 300,
      ...(grant.story.noIdToken ? {} : { id_token: await idToken(grant) }),
    });
  };

  const routes: Record<string, (request: IncomingMessage, response: ServerResponse) => unknown> = {
    '/.well-known/openid-configuration': (_request, response) =>
      json(response, 200, {
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        userinfo_endpoint: `${issuer}/userinfo`,
        jwks_uri: `${issuer}/jwks`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256', 'none', 'HS256'],
        code_challenge_methods_supported: ['S256'],
        ...provider.metadata,
      }),
    '/jwks': (_request, response) => json(response, 200, { keys: [jwk] }),
    '/token': exchange,
    '/userinfo': (request, response) => {
      const code = (request.headers.authorization ?? '').replace('Bearer access-', '');
      const story = grants.get(code)?.story;
      json(response, 200, story?.userinfo ?? { sub: story?.claims?.['sub'] ?? 'subject-1' });
    },
  };
  const server = createServer((request, response) => {
    const route = routes[(request.url ?? '').split('?', 1)[0] ?? ''];
    if (route === undefined) json(response, 404, { error: 'not_found' });
    else void route(request, response);
  });
  const listen = (port: number) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => resolve());
    });
  await listen(0);
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return provider;
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
