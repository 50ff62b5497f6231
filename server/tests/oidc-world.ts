import { get, type IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import { csrfToken } from '#server/features/credentials/secret.ts';
import { readProxies } from '#server/http/client-address.ts';
import type { OidcProvider } from '#server/oidc-config.ts';
import { startTestApp, type TestApp } from './harness.ts';
import { CLIENT, type LyingProvider, type Story, startLyingProvider } from './lying-provider.ts';
import { person, world } from './world.ts';

export const describeProvider = (
  id: string,
  at: Pick<LyingProvider, 'issuer'>,
  allowedDomains: string[] = [],
): OidcProvider => ({
  id,
  name: `The ${id}`,
  issuer: at.issuer,
  clientId: CLIENT.id,
  clientSecret: CLIENT.secret,
  allowedDomains,
  trustEmail: false,
  scopes: 'openid email profile',
});

/** Runs with a server of its own that has a user and one provider, `own`, with that metadata. */
export async function withProvider(
  metadata: Record<string, unknown>,
  run: (its: TestApp, own: LyingProvider) => Promise<void>,
  clientSecret: string | null = CLIENT.secret,
): Promise<void> {
  const own = await startLyingProvider();
  own.metadata = metadata;
  const oidcProviders = [{ ...describeProvider('own', own), clientSecret }];
  const its = await startTestApp({ config: { oidcProviders } });
  try {
    await person(its, 'founder');
    await run(its, own);
  } finally {
    await its.stop();
    await own.stop();
  }
}

/**
 * A server with two providers, `acme` and `other`; a third, `strict`, is the first one with the allowed domain
 * `example.com`.
 */
export async function startOidc(log: Logger) {
  const [acme, other] = await Promise.all([startLyingProvider(), startLyingProvider()]);
  const oidcProviders = [
    describeProvider('acme', acme),
    describeProvider('other', other),
    describeProvider('strict', acme, ['example.com']),
  ];
  // Tests set their address by a header.
  const trustedProxies = readProxies('127.0.0.1');
  const app = await startTestApp({ config: { oidcProviders, trustedProxies }, log });
  const stop = async () => {
    await app.stop();
    await Promise.all([acme.stop(), other.stop()]);
  };
  return { app, w: await world(app), acme, other, stop };
}

/** A GET as a browser navigates; `fetch` would send the headers of a script. */
export function visit(url: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(url, { headers: { 'sec-fetch-mode': 'navigate', ...headers } }, (response) =>
      resolve(response.resume()),
    ).on('error', reject);
  });
}

/** A browser with cookies and redirects, as a sign-in needs them. */
export class Browser {
  readonly cookies = new Map<string, string>();
  readonly at: TestApp;
  constructor(at: TestApp) {
    this.at = at;
  }
  async go(path: string, headers: Record<string, string> = {}): Promise<{ status: number; to: URL }> {
    const { statusCode = 0, headers: answer } = await visit(this.at.url + path, {
      cookie: this.#header(),
      ...headers,
    });
    this.#take(answer['set-cookie'] ?? []);
    return { status: statusCode, to: new URL(answer.location ?? '/nowhere', this.at.url) };
  }
  async call(method: string, body: object): Promise<{ status: number; body: Record<string, unknown> }> {
    const secret = this.cookies.get('forage_session');
    const response = await fetch(`${this.at.url}/forest.v1.${method}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        cookie: this.#header(),
        ...(secret === undefined ? {} : { 'x-csrf-token': csrfToken(secret) }),
      },
      body: JSON.stringify(body),
    });
    this.#take(response.headers.getSetCookie());
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }
  /** The signed-in user, or null. */
  async user(): Promise<{ username: string; memberships: string[] } | null> {
    const { body } = await this.call('SessionService/GetSession', {});
    const session = body['session'] as
      | { user: { username: string }; memberships?: { organisation: string; role: string }[] }
      | undefined;
    if (session === undefined) return null;
    const memberships = (session.memberships ?? []).map((m) => `${m.organisation} ${m.role}`);
    return { username: session.user.username, memberships };
  }
  /** Signs in by a provider that responds with that story. */
  async signIn(id: string, provider: LyingProvider, story: Story = {}, query = ''): Promise<URL> {
    const { to } = await this.go(`/auth/oidc/${id}/start${query}`);
    return await this.back(provider.consent(to, story), id);
  }
  /** Returns from a provider with the query of its redirect. */
  async back(query: string, id = 'acme'): Promise<URL> {
    return (await this.go(`/auth/oidc/${id}/callback?${query}`)).to;
  }
  /** Another browser with the same cookies. */
  copy(at = this.at): Browser {
    const copy = new Browser(at);
    for (const [name, value] of this.cookies) copy.cookies.set(name, value);
    return copy;
  }
  #header(): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }
  #take(cookies: readonly string[]): void {
    for (const line of cookies) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
  }
}

export const problem = (to: URL): string => to.searchParams.get('problem') ?? `none: ${to.pathname}`;
let subjects = 0;
export const unique = () => ++subjects;
/** The claims of a new user. */
export const newcomer = (changes: Record<string, unknown> = {}) => {
  const n = unique();
  return { sub: `sub-${n}`, email: `new${n}@example.com`, preferred_username: `new${n}`, ...changes };
};
/** Everything that a sign-in could leave behind. */
export const traces = async (app: TestApp) => {
  const { rows } = await app.context.db.pool.query(
    `select (select count(*) from users) as users, (select count(*) from user_identities) as identities,
            (select count(*) from credentials where kind = 'session') as sessions`,
  );
  return rows[0];
};
