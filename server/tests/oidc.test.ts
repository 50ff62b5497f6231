import { get, type IncomingMessage } from 'node:http';
import { generateKeyPair } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { csrfToken } from '#server/features/credentials/secret.ts';
import { PolicyService } from '#server/gen/forest/v1/policies_pb.ts';
import { readProxies } from '#server/http/client-address.ts';
import type { OidcProvider } from '#server/oidc-config.ts';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import { keptLog } from './log-lines.ts';
import { CLIENT, type LyingProvider, type Story, startLyingProvider } from './lying-provider.ts';
import { refusal } from './refusal.ts';
import { type Person, person, type World, world } from './world.ts';

const kept = keptLog();
let acme: LyingProvider;
let other: LyingProvider;
let app: TestApp;
let w: World;
const describeProvider = (id: string, at: LyingProvider, allowedDomains: string[] = []): OidcProvider => ({
  id,
  name: `The ${id}`,
  issuer: at.issuer,
  clientId: CLIENT.id,
  clientSecret: CLIENT.secret,
  allowedDomains,
  scopes: 'openid email profile',
});
beforeAll(async () => {
  [acme, other] = await Promise.all([startLyingProvider(), startLyingProvider()]);
  const oidcProviders = [
    describeProvider('acme', acme),
    describeProvider('other', other),
    describeProvider('strict', acme, ['example.com']),
  ];
  const trustedProxies = readProxies('127.0.0.1');
  app = await startTestApp({ config: { oidcProviders, trustedProxies }, log: kept.log });
  w = await world(app);
});
afterAll(async () => {
  await app.stop();
  await Promise.all([acme.stop(), other.stop()]);
});

/** A GET as a browser makes one that goes somewhere; `fetch` says that it is a script. */
function visit(url: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(url, { headers: { 'sec-fetch-mode': 'navigate', ...headers } }, (response) =>
      resolve(response.resume()),
    ).on('error', reject);
  });
}

/** A browser as far as a sign-in needs one: its cookies, and going where it is led. */
class Browser {
  readonly cookies = new Map<string, string>();
  readonly at: TestApp;
  constructor(at: TestApp = app) {
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
  /** Who is signed in. */
  async user(): Promise<{ username: string; memberships: string[] } | null> {
    const { body } = await this.call('SessionService/GetSession', {});
    const session = body['session'] as
      | { user: { username: string }; memberships?: { organisation: string; role: string }[] }
      | undefined;
    if (session === undefined) return null;
    const memberships = (session.memberships ?? []).map((m) => `${m.organisation} ${m.role}`);
    return { username: session.user.username, memberships };
  }
  /** Signs in by a provider, as somebody of whom the provider tells that story. */
  async signIn(id: string, provider: LyingProvider, story: Story = {}, query = ''): Promise<URL> {
    const { to } = await this.go(`/auth/oidc/${id}/start${query}`);
    return (await this.go(`/auth/oidc/${id}/callback?${provider.consent(to, story)}`)).to;
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

const problem = (to: URL): string => to.searchParams.get('problem') ?? `none: ${to.pathname}`;
let subjects = 0;
/** Somebody who has never been here. */
const newcomer = (changes: Record<string, unknown> = {}) => {
  const n = ++subjects;
  return { sub: `sub-${n}`, email: `new${n}@example.com`, preferred_username: `new${n}`, ...changes };
};
/** All that a sign-in could leave behind. */
const traces = async () => {
  const { rows } = await app.context.db.pool.query(
    `select (select count(*) from users) as users, (select count(*) from user_identities) as identities,
            (select count(*) from credentials where kind = 'session') as sessions`,
  );
  return rows[0];
};

describe('signing in by a provider', () => {
  test('goes there with PKCE, state and nonce, and comes back signed in at the place that was wanted', async () => {
    const browser = new Browser();
    const started = await browser.go('/auth/oidc/acme/start?return_to=/orgs/x%3Ftab%3D1');
    expect(started.status).toBe(302);
    const query = started.to.searchParams;
    expect(started.to.origin).toBe(acme.issuer);
    expect(Object.fromEntries(query)).toMatchObject({
      response_type: 'code',
      client_id: CLIENT.id,
      redirect_uri: `${app.url}/auth/oidc/acme/callback`,
      scope: 'openid email profile',
      code_challenge_method: 'S256',
    });
    for (const name of ['state', 'nonce', 'code_challenge']) expect(query.get(name)).toMatch(/^[\w-]{43}$/);

    const { headers } = await visit(`${app.url}/auth/oidc/acme/start`);
    expect(headers['set-cookie']?.join()).toMatch(/^forage_oidc_.*HttpOnly; SameSite=Lax$/);
    expect(headers['cache-control']).toBe('no-store');

    const answer = acme.consent(started.to, { claims: newcomer({ preferred_username: 'Grace Hopper' }) });
    const done = await browser.go(`/auth/oidc/acme/callback?${answer}`);
    expect(done.to.href).toBe(`${app.url}/orgs/x?tab=1`);
    expect(await browser.user()).toEqual({ username: 'Grace-Hopper', memberships: [] });
    expect([...browser.cookies.keys()]).toEqual(['forage_session']);
  });

  test('knows the same person again, whatever name and address the provider tells by then', async () => {
    const claims = newcomer();
    const first = new Browser();
    await first.signIn('acme', acme, { claims });
    const again = new Browser();
    await again.signIn('acme', acme, {
      claims: { ...claims, email: 'married@example.com', preferred_username: 'else' },
    });
    expect(await again.user()).toEqual(await first.user());
  });

  test('asks for the address where the ID token has none, and takes it of the same person only', async () => {
    const claims = { ...newcomer(), email: undefined, email_verified: undefined };
    const told = { email: 'told@example.com', email_verified: true };
    const browser = new Browser();
    await browser.signIn('acme', acme, { claims, userinfo: { sub: claims.sub, ...told } });
    expect((await browser.user())?.username).toBe(claims.preferred_username);
    const lie = { claims: { ...claims, sub: 'another' }, userinfo: { sub: claims.sub, ...told } };
    expect(problem(await new Browser().signIn('acme', acme, lie))).toBe('provider_refused');
  });

  test('ends the session that the browser had, and gives a new one', async () => {
    const browser = new Browser();
    const claims = newcomer();
    await browser.signIn('acme', acme, { claims });
    const earlier = new Browser();
    earlier.cookies.set('forage_session', browser.cookies.get('forage_session') ?? '');
    expect(await earlier.user()).not.toBeNull();
    await browser.signIn('acme', acme, { claims });
    expect(await browser.user()).not.toBeNull();
    expect(await earlier.user()).toBeNull();
    const { rows } = await app.context.db.pool.query(
      `select kind, credential_kind as by, before ->> 'reason' as why from history where subject = $1 order by id`,
      [`user ${claims.preferred_username}`],
    );
    expect(rows.slice(-2)).toEqual([
      { kind: 'account.signed_out', by: 'session', why: 'another sign-in' },
      { kind: 'account.signed_in', by: 'provider', why: null },
    ]);
  });

  test('takes two tabs at once', async () => {
    const browser = new Browser();
    const [one, two] = [await browser.go('/auth/oidc/acme/start'), await browser.go('/auth/oidc/acme/start')];
    const claims = newcomer();
    for (const { to } of [one, two]) {
      const { to: end } = await browser.go(`/auth/oidc/acme/callback?${acme.consent(to, { claims })}`);
      expect(problem(end)).toBe('none: /');
    }
  });

  test('makes one user of one person who comes twice at once, and names that nobody has', async () => {
    const claims = newcomer({ preferred_username: 'twin' });
    const browsers = Array.from({ length: 4 }, () => new Browser());
    await Promise.all(browsers.map((browser) => browser.signIn('acme', acme, { claims })));
    const users = await Promise.all(browsers.map((browser) => browser.user()));
    expect(users.map((user) => user?.username)).toEqual(['twin', 'twin', 'twin', 'twin']);
    const rivals = Array.from({ length: 4 }, () => new Browser());
    await Promise.all(
      rivals.map((browser) =>
        browser.signIn('acme', acme, { claims: newcomer({ preferred_username: 'Twin' }) }),
      ),
    );
    const names = (await Promise.all(rivals.map((browser) => browser.user()))).map((u) => u?.username);
    expect(names.sort()).toEqual(['Twin-2', 'Twin-3', 'Twin-4', 'Twin-5']);
    // Nor the one by which the record calls the server itself.
    const browser = new Browser();
    await browser.signIn('acme', acme, { claims: newcomer({ preferred_username: 'Forage' }) });
    expect((await browser.user())?.username).toBe('Forage-2');
  });

  test.each([
    'https://evil.example/',
    '//evil.example',
    '/\\evil.example',
    '/\t/evil.example',
    'javascript:alert(1)',
  ])('leads to no other site: %j', async (evil) => {
    const query = `?return_to=${encodeURIComponent(evil)}`;
    const end = await new Browser().signIn('acme', acme, { claims: newcomer() }, query);
    expect(end.href).toBe(`${app.url}/`);
  });
});

test.each([
  ['as it prefers by default', undefined, CLIENT.secret],
  ['in a header', ['client_secret_post', 'client_secret_basic'], CLIENT.secret],
  ['in the body', ['private_key_jwt', 'client_secret_post'], CLIENT.secret],
  ['not at all, by a public client', ['none'], null],
])('a provider is shown the secret %s', async (_how, methods, clientSecret) => {
  const picky = await startLyingProvider();
  picky.metadata = { token_endpoint_auth_methods_supported: methods };
  const oidcProviders = [{ ...describeProvider('picky', picky), clientSecret }];
  const its = await startTestApp({ config: { oidcProviders, databaseUrl: app.databaseUrl } });
  try {
    const end = await new Browser(its).signIn('picky', picky, { claims: newcomer() });
    expect(problem(end)).toBe('none: /');
  } finally {
    await its.stop();
    await picky.stop();
  }
});

describe('a provider that lies', () => {
  const now = () => Math.floor(Date.now() / 1000);
  const lies: readonly [string, () => Story | Promise<Story>][] = [
    ['another issuer', () => ({ claims: { iss: other.issuer } })],
    ['another audience', () => ({ claims: { aud: 'somebody-else' } })],
    ['two audiences, for the other', () => ({ claims: { aud: [CLIENT.id, 'else'], azp: 'else' } })],
    ['another nonce', () => ({ claims: { nonce: 'x'.repeat(43) } })],
    ['no nonce', () => ({ claims: { nonce: undefined } })],
    ['a token that has expired', () => ({ claims: { iat: now() - 7200, exp: now() - 3600 } })],
    ['a token of tomorrow', () => ({ claims: { nbf: now() + 86_400 } })],
    ['a token that never expires', () => ({ claims: { exp: undefined } })],
    ['nobody', () => ({ claims: { sub: undefined } })],
    ['a name that is none', () => ({ claims: { sub: 'a\u0000b' } })],
    ['no signature', () => ({ sign: 'none' })],
    ['a signature by the secret of the client', () => ({ sign: 'hmac' })],
    ['a signature of other claims', () => ({ sign: 'tampered' })],
    ['a signature by nobody’s key', async () => ({ sign: (await generateKeyPair('RS256')).privateKey })],
    ['a signature by another provider', () => ({ sign: other.privateKey })],
    ['no ID token', () => ({ noIdToken: true })],
    ['the name of another provider in the answer', () => ({ answer: { iss: other.issuer } })],
    ['a code that it never gave', () => ({ answer: { code: 'made-up' } })],
    ['no code', () => ({ answer: { code: undefined } })],
    ['an error with markup', () => ({ answer: { code: undefined, error: '<script>alert(1)</script>' } })],
  ];
  test.each(lies)('%s is refused and leaves nothing behind', async (_what, lie) => {
    const before = await traces();
    const story = await lie();
    const browser = new Browser();
    const end = await browser.signIn('acme', acme, { ...story, claims: { ...newcomer(), ...story.claims } });
    expect(problem(end)).toBe('provider_refused');
    expect(end.pathname).toBe('/sign-in');
    expect(end.href).not.toMatch(/script/);
    expect(browser.cookies.size).toBe(0);
    expect(await traces()).toEqual(before);
  });

  test('that promises its name in the answer and leaves it out is refused', async () => {
    const careful = await startLyingProvider();
    careful.metadata = { authorization_response_iss_parameter_supported: true };
    const its = await startTestApp({ config: { oidcProviders: [describeProvider('careful', careful)] } });
    try {
      await person(its, 'founder');
      const without = await new Browser(its).signIn('careful', careful, { claims: newcomer() });
      expect(problem(without)).toBe('provider_refused');
      const story = { claims: newcomer(), answer: { iss: careful.issuer } };
      expect(problem(await new Browser(its).signIn('careful', careful, story))).toBe('none: /');
    } finally {
      await its.stop();
      await careful.stop();
    }
  });

  test('says that it is another issuer, and nobody is sent to it', async () => {
    const imposter = await startLyingProvider();
    imposter.metadata = { issuer: acme.issuer };
    const its = await startTestApp({ config: { oidcProviders: [describeProvider('imposter', imposter)] } });
    try {
      expect(problem((await new Browser(its).go('/auth/oidc/imposter/start')).to)).toBe('provider_away');
    } finally {
      await its.stop();
      await imposter.stop();
    }
  });
});

describe('an answer that is not this browser’s, or not new', () => {
  const begun = async (browser = new Browser()) => {
    const { to } = await browser.go('/auth/oidc/acme/start');
    return { browser, to };
  };
  const refused = async (browser: Browser, path: string, code = 'expired') => {
    const [before, exchanges] = [await traces(), acme.exchanges() + other.exchanges()];
    expect(problem((await browser.go(path)).to)).toBe(code);
    expect(browser.cookies.has('forage_session')).toBe(false);
    expect(await traces()).toEqual(before);
    // Refused before the code is shown to anybody.
    if (code === 'expired') expect(acme.exchanges() + other.exchanges()).toBe(exchanges);
  };

  test('is refused with the state of nobody, and without one', async () => {
    const { browser, to } = await begun();
    const answer = acme.consent(to, { claims: newcomer(), answer: { state: 'x'.repeat(43) } });
    await refused(browser, `/auth/oidc/acme/callback?${answer}`);
    await refused(browser, '/auth/oidc/acme/callback?code=x');
    await refused(browser, '/auth/oidc/acme/callback');
  });

  test('is refused in another browser, and with the cookie of another sign-in; the right browser goes on', async () => {
    const { browser, to } = await begun();
    const answer = acme.consent(to, { claims: newcomer() });
    await refused(new Browser(), `/auth/oidc/acme/callback?${answer}`);
    const { browser: stranger } = await begun();
    const [mine = ''] = [...browser.cookies.keys()];
    stranger.cookies.set(mine, [...stranger.cookies.values()][0] ?? '');
    await refused(stranger, `/auth/oidc/acme/callback?${answer}`);
    expect(problem((await browser.go(`/auth/oidc/acme/callback?${answer}`)).to)).toBe('none: /');
  });

  test('is refused at the address of another provider', async () => {
    const { browser, to } = await begun();
    const answer = acme.consent(to, { claims: newcomer(), careless: true });
    await refused(browser, `/auth/oidc/other/callback?${answer}`);
  });

  test('works once, also when it comes five times at the same moment', async () => {
    const { browser, to } = await begun();
    const answer = acme.consent(to, { claims: newcomer(), careless: true });
    const copies = Array.from({ length: 5 }, () => {
      const copy = new Browser();
      for (const [name, value] of browser.cookies) copy.cookies.set(name, value);
      return copy;
    });
    const ends = await Promise.all(copies.map((copy) => copy.go(`/auth/oidc/acme/callback?${answer}`)));
    expect(ends.map(({ to: end }) => problem(end)).sort()).toEqual([...Array(4).fill('expired'), 'none: /']);
    await refused(browser, `/auth/oidc/acme/callback?${answer}`);
  });

  test('is refused with a code of an earlier sign-in, though the provider takes it', async () => {
    const first = await begun();
    const spent = acme.consent(first.to, { claims: newcomer(), careless: true });
    expect(problem((await first.browser.go(`/auth/oidc/acme/callback?${spent}`)).to)).toBe('none: /');
    const second = await begun();
    const code = new URLSearchParams(spent).get('code') ?? '';
    const answer = acme.consent(second.to, { answer: { code } });
    await refused(second.browser, `/auth/oidc/acme/callback?${answer}`, 'provider_refused');
  });

  test('is refused after ten minutes', async () => {
    const { browser, to } = await begun();
    await app.context.db.pool.query(`update oidc_sign_ins set expires_at = now() - interval '1 second'`);
    const answer = acme.consent(to, { claims: newcomer() });
    await refused(browser, `/auth/oidc/acme/callback?${answer}`);
  });

  test('of somebody who said no is told as that', async () => {
    const { browser, to } = await begun();
    const answer = acme.consent(to, { answer: { code: undefined, error: 'access_denied' } });
    await refused(browser, `/auth/oidc/acme/callback?${answer}`, 'cancelled');
  });

  test('begins only where somebody goes, by GET, at a provider that there is', async () => {
    const browser = new Browser();
    expect((await browser.go('/auth/oidc/acme/start', { 'sec-fetch-mode': 'no-cors' })).status).toBe(403);
    expect(problem((await browser.go('/auth/oidc/nobody/start')).to)).toBe('unknown_provider');
    expect((await browser.go('/auth/oidc/acme/finish')).status).toBe(404);
    expect((await browser.go('/auth/')).status).toBe(404);
    for (const method of ['POST', 'HEAD', 'PUT']) {
      const response = await fetch(`${app.url}/auth/oidc/acme/start`, { method, redirect: 'manual' });
      expect(response.status).toBe(405);
    }
  });

  test('is one of at most 200 from one address', async () => {
    await app.context.db.pool.query(
      `insert into oidc_sign_ins (state_hash, browser_hash, provider, nonce, code_verifier, return_to, address, expires_at)
       select sha256(n::text::bytea), '', 'acme', '', '', '/', '127.0.0.1',
              now() + interval '5 minutes' from generate_series(1, 199) n`,
    );
    const begin = (headers = {}) => new Browser().go('/auth/oidc/acme/start', headers);
    expect((await begin()).to.origin).toBe(acme.issuer);
    expect(problem((await begin()).to)).toBe('busy');
    // One machine has 2^64 addresses of IPv6.
    const from = (address: string) => ({ 'x-forwarded-for': address });
    expect((await begin(from('2001:db8::1'))).to.origin).toBe(acme.issuer);
    await app.context.db.pool.query(
      `update oidc_sign_ins set address = (select address from oidc_sign_ins where address like '2001:%')
        where address = '127.0.0.1'`,
    );
    expect(problem((await begin(from('2001:db8::7:7'))).to)).toBe('busy');
    expect((await begin(from('2001:db8:0:1::1'))).to.origin).toBe(acme.issuer);
    await app.context.db.pool.query(`update oidc_sign_ins set expires_at = now() - interval '1 second'`);
    expect((await new Browser().go('/auth/oidc/acme/start')).to.origin).toBe(acme.issuer);
  });
});

describe('who may come', () => {
  test.each([
    ['is not verified', { email_verified: false }, 'email_unverified'],
    ['is called verified by a word', { email_verified: 'true' }, 'email_unverified'],
    ['is not said to be verified', { email_verified: undefined }, 'email_unverified'],
    ['is none', { email: 'nobody' }, 'email_unverified'],
    ['is missing', { email: undefined }, 'email_unverified'],
    ['has two domains', { email: 'a@evil.example@example.com' }, 'email_unverified'],
    ['is of another domain', { email: 'a@evil.example' }, 'domain_not_allowed'],
    ['is of a domain below', { email: 'a@sub.example.com' }, 'domain_not_allowed'],
    ['is of a domain that ends so', { email: 'a@notexample.com' }, 'domain_not_allowed'],
  ])('is nobody whose address %s', async (_what, changes, code) => {
    const before = await traces();
    const end = await new Browser().signIn('strict', acme, { claims: newcomer(changes) });
    expect(problem(end)).toBe(code);
    expect(await traces()).toEqual(before);
  });

  test('is asked each time: an address that is not verified any more lets nobody in', async () => {
    const claims = newcomer({ email: `Upper${subjects}@EXAMPLE.com` });
    expect(problem(await new Browser().signIn('strict', acme, { claims }))).toBe('none: /');
    const end = await new Browser().signIn('strict', acme, { claims: { ...claims, email_verified: false } });
    expect(problem(end)).toBe('email_unverified');
  });

  test('is not a user who has that address here: nobody is taken over by an address', async () => {
    const before = await traces();
    const { username } = w.admin;
    const email = `${username.toUpperCase()}@example.com`;
    const browser = new Browser();
    expect(problem(await browser.signIn('acme', acme, { claims: newcomer({ email }) }))).toBe('email_taken');
    expect(await browser.user()).toBeNull();
    expect(await traces()).toEqual(before);
    // Nor one who came by another provider.
    const claims = newcomer();
    await new Browser().signIn('acme', acme, { claims });
    expect(problem(await new Browser().signIn('other', other, { claims }))).toBe('email_taken');
  });

  test('is nobody before the first admin', async () => {
    const empty = await startTestApp({ config: { oidcProviders: [describeProvider('acme', acme)] } });
    try {
      const end = await new Browser(empty).signIn('acme', acme, { claims: newcomer() });
      expect(problem(end)).toBe('set_up_first');
      expect((await empty.context.db.pool.query('select 1 from users')).rows).toEqual([]);
    } finally {
      await empty.stop();
    }
  });
});

test('the record says how people came, connected and were refused', async () => {
  const { admin, organisation, organisationId } = w;
  const { joinRule } = await admin.organisations.createJoinRule({
    organisationId,
    provider: 'strict',
    emailDomain: 'example.com',
  });
  const claims = newcomer();
  const browser = new Browser();
  await browser.signIn('strict', acme, { claims });
  await admin.organisations.deleteJoinRule({ organisationId, joinRuleId: joinRule?.joinRuleId ?? '' });
  const { body } = await browser.call('IdentityService/ConnectIdentity', { provider: 'other' });
  const answer = other.consent(new URL(String(body['authorizationUrl'])), { claims: newcomer() });
  await browser.go(`/auth/oidc/other/callback?${answer}`);
  const { body: ways } = await browser.call('IdentityService/ListIdentities', {});
  const [, second] = ways['identities'] as { identityId: string }[];
  await browser.call('IdentityService/DisconnectIdentity', { identityId: second?.identityId });
  await browser.signIn('strict', acme, { claims });
  await new Browser().signIn('strict', acme, { claims: { ...claims, email_verified: false } });
  const kinds = await eventually(async () => {
    const { rows } = await app.context.db.pool.query(
      `select kind, credential_kind as by, before, after from history where organisation_id = $1 and subject = $2 order by id`,
      [organisationId, `user ${claims.preferred_username}`],
    );
    return rows.length >= 7 && rows;
  }, `the record of ${organisation} to be whole`);
  expect(kinds).toMatchObject([
    { kind: 'account.registered', by: 'provider', after: { provider: 'strict' } },
    { kind: 'account.signed_in', by: 'provider', after: { provider: 'strict' } },
    { kind: 'account.identity_connected', by: 'session', after: { provider: 'other' } },
    { kind: 'account.identity_disconnected', by: 'session' },
    { kind: 'account.signed_out', by: 'session', before: { reason: 'another sign-in' } },
    { kind: 'account.signed_in', by: 'provider', after: { provider: 'strict' } },
    { kind: 'account.sign_in_refused', by: 'provider', after: { reason: 'email_unverified' } },
  ]);
});

describe('join rules', () => {
  const rule = (by: Person, organisationId: string, emailDomain: string, provider = 'acme') =>
    by.organisations.createJoinRule({ organisationId, provider, emailDomain });

  test('make whoever comes first by that provider from that domain a member, once', async () => {
    const { admin, organisationId, organisation } = w;
    const { joinRule } = await rule(admin, organisationId, 'Joins.Example');
    expect(joinRule).toMatchObject({ provider: 'acme', emailDomain: 'joins.example' });
    const claims = newcomer({ email: `x${subjects}@JOINS.example` });
    const browser = new Browser();
    await browser.signIn('acme', acme, { claims });
    const user = await browser.user();
    expect(user?.memberships).toEqual([`${organisation} member`]);
    const { entries } = await app
      .client(PolicyService, admin)
      .listHistory({ organisation, kind: 'member.added' });
    const entry = entries.find(({ subject }) => subject === `member ${user?.username}`);
    expect(entry).toMatchObject({ actorUsername: 'forage' });
    expect(JSON.stringify(entry?.after)).toContain('first sign-in by acme');

    // By another provider, from another domain, or after having been removed: no.
    const elsewhere = new Browser();
    await elsewhere.signIn('other', other, { claims: newcomer({ email: `y${subjects}@joins.example` }) });
    const below = new Browser();
    await below.signIn('acme', acme, { claims: newcomer({ email: `y${subjects}@sub.joins.example` }) });
    for (const one of [elsewhere, below]) expect((await one.user())?.memberships).toEqual([]);
    const { members } = await admin.organisations.listMembers({ organisationId });
    const userId = members.find(({ username }) => username === user?.username)?.userId ?? '';
    await admin.organisations.removeMember({ organisationId, userId });
    const again = new Browser();
    await again.signIn('acme', acme, { claims });
    expect(await again.user()).toEqual({ username: user?.username, memberships: [] });

    await admin.organisations.deleteJoinRule({ organisationId, joinRuleId: joinRule?.joinRuleId ?? '' });
    const late = new Browser();
    await late.signIn('acme', acme, { claims: newcomer({ email: `z${subjects}@joins.example` }) });
    expect((await late.user())?.memberships).toEqual([]);
  });

  test('are an admin’s, of their own organisation, for a provider that there is', async () => {
    const theirs = await world(app);
    const { organisationId } = w;
    expect((await refusal(rule(w.reviewer, organisationId, 'a.example'))).code).toBe('PermissionDenied');
    expect((await refusal(rule(theirs.admin, organisationId, 'a.example'))).code).toBe('NotFound');
    const wrong = await refusal(rule(w.admin, organisationId, 'a.example', 'nobody'));
    expect(wrong).toMatchObject({ code: 'InvalidArgument', fields: ['provider'] });
    const noDomain = await refusal(rule(w.admin, organisationId, 'no domain'));
    expect(noDomain).toMatchObject({ code: 'InvalidArgument', fields: ['email_domain'] });
    const { joinRule } = await rule(w.admin, organisationId, 'a.example');
    expect((await refusal(rule(w.admin, organisationId, 'A.example'))).code).toBe('AlreadyExists');
    const joinRuleId = joinRule?.joinRuleId ?? '';
    const foreign = { organisationId: theirs.organisationId, joinRuleId };
    expect((await refusal(theirs.admin.organisations.deleteJoinRule(foreign))).code).toBe('NotFound');
    const listed = await w.reviewer.organisations.listJoinRules({ organisationId });
    expect(listed.joinRules).toEqual([joinRule]);
    expect((await theirs.admin.organisations.listJoinRules(foreign)).joinRules).toEqual([]);
    const { entries } = await app
      .client(PolicyService, w.admin)
      .listHistory({ organisation: w.organisation, kind: 'join_rule.created' });
    expect(entries[0]).toMatchObject({
      subject: 'join rule a.example by acme',
      actorUsername: w.admin.username,
    });
  });

  test('add to every organisation that has one, also when both are made at once', async () => {
    const [one, two] = await Promise.all([world(app), world(app)]);
    await Promise.all(
      [one, two].map(({ admin, organisationId }) => rule(admin, organisationId, 'b.example')),
    );
    const browsers = Array.from({ length: 6 }, () => new Browser());
    await Promise.all(
      browsers.map((browser, n) =>
        browser.signIn('acme', acme, { claims: newcomer({ email: `n${n}@b.example` }) }),
      ),
    );
    for (const browser of browsers) expect((await browser.user())?.memberships).toHaveLength(2);
  });
});

describe('connecting an identity', () => {
  const PASSWORD = 'correct horse battery staple';
  const withPassword = async () => {
    const { username, userId, token } = await person(app, 'connects');
    const browser = new Browser();
    await browser.call('SessionService/SignIn', { identifier: username, password: PASSWORD });
    return { browser, username, userId, token };
  };
  const connecting = async (browser: Browser, provider = 'acme') => {
    const { status, body } = await browser.call('IdentityService/ConnectIdentity', { provider });
    return { status, code: body['code'], url: new URL(String(body['authorizationUrl'] ?? 'about:blank')) };
  };
  const identities = async (browser: Browser) =>
    ((await browser.call('IdentityService/ListIdentities', {})).body['identities'] ?? []) as {
      identityId: string;
      provider: string;
      email: string;
    }[];

  test('lets a user who has a password in by the provider, with whatever address', async () => {
    const { browser, username } = await withPassword();
    const { url } = await connecting(browser);
    const session = browser.cookies.get('forage_session');
    const claims = newcomer({ email: `${username}@example.com` });
    const end = await browser.go(`/auth/oidc/acme/callback?${acme.consent(url, { claims })}`);
    expect(problem(end.to)).toBe('none: /account');
    expect(browser.cookies.get('forage_session')).toBe(session);
    expect(await identities(browser)).toMatchObject([{ provider: 'acme', email: claims.email }]);
    const elsewhere = new Browser();
    await elsewhere.signIn('acme', acme, { claims });
    expect((await elsewhere.user())?.username).toBe(username);

    // Somebody else’s it cannot become.
    const { browser: thief } = await withPassword();
    const theft = await connecting(thief);
    const taken = await thief.go(`/auth/oidc/acme/callback?${acme.consent(theft.url, { claims })}`);
    expect(problem(taken.to)).toBe('identity_taken');
    expect(taken.to.pathname).toBe('/account');
    expect(await identities(thief)).toEqual([]);
    const mine = await identities(browser);
    const disconnect = { identityId: mine[0]?.identityId };
    expect((await thief.call('IdentityService/DisconnectIdentity', disconnect)).body['code']).toBe(
      'not_found',
    );

    expect((await browser.call('IdentityService/DisconnectIdentity', disconnect)).status).toBe(200);
    expect(problem(await new Browser().signIn('acme', acme, { claims }))).toBe('email_taken');
  });

  test('takes the browser’s session that began it, signed in a moment ago', async () => {
    const { browser, userId, token } = await withPassword();
    const bearer = await fetch(`${app.url}/forest.v1.IdentityService/ConnectIdentity`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: '{"provider":"acme"}',
    });
    expect(bearer.status).toBe(403);
    expect((await connecting(browser, 'nobody')).code).toBe('not_found');

    // Signed out, or signed in as somebody else, while the browser was away.
    for (const leave of ['out', 'else']) {
      const { browser: leaves } = await withPassword();
      const { url } = await connecting(leaves);
      if (leave === 'out') await leaves.call('SessionService/SignOut', {});
      else leaves.cookies.set('forage_session', browser.cookies.get('forage_session') ?? '');
      const end = await leaves.go(`/auth/oidc/acme/callback?${acme.consent(url, { claims: newcomer() })}`);
      expect(problem(end.to)).toBe('session_ended');
      expect(await identities(browser)).toEqual([]);
    }

    await app.context.db.pool.query(
      `update credentials set created_at = now() - interval '11 minutes' where user_id = $1`,
      [userId],
    );
    expect((await connecting(browser)).code).toBe('failed_precondition');
  });

  test('leaves a way in: the only identity of a user without a password stays', async () => {
    const browser = new Browser();
    await browser.signIn('acme', acme, { claims: newcomer() });
    const [only] = await identities(browser);
    const { body } = await browser.call('IdentityService/DisconnectIdentity', {
      identityId: only?.identityId,
    });
    expect(body['code']).toBe('failed_precondition');
    const { url } = await connecting(browser, 'other');
    const claims = newcomer();
    await browser.go(`/auth/oidc/other/callback?${other.consent(url, { claims })}`);
    expect(await identities(browser)).toHaveLength(2);
    const gone = await Promise.all(
      (await identities(browser)).map(({ identityId }) =>
        browser.call('IdentityService/DisconnectIdentity', { identityId }),
      ),
    );
    expect(gone.map(({ status }) => status).sort()).toEqual([200, 400]);
    expect(await identities(browser)).toHaveLength(1);
  });
});

describe('with passwords switched off', () => {
  let off: TestApp;
  let token: string;
  beforeAll(async () => {
    const oidcProviders = [describeProvider('acme', acme)];
    off = await startTestApp({ config: { oidcProviders, passwordSignIn: false } });
    token = off.setUpToken ?? '';
  });
  afterAll(() => off.stop());
  const setUp = (by: Browser, organisation: string, with_ = token, claims = newcomer()) =>
    by.signIn('acme', acme, { claims }, `?${new URLSearchParams({ set_up_token: with_, organisation })}`);

  test('the first admin comes by a provider, with the one-time token, once', async () => {
    const guess = await setUp(new Browser(off), 'firm', 'forage_u_guessed');
    expect(problem(guess)).toBe('set_up_token');
    const unnamed = await new Browser(off).go(`/auth/oidc/acme/start?set_up_token=${token}&organisation=`);
    expect(problem(unnamed.to)).toBe('set_up_token');
    expect(problem(await new Browser(off).signIn('acme', acme))).toBe('set_up_first');

    const browsers = Array.from({ length: 3 }, () => new Browser(off));
    const ends = await Promise.all(browsers.map((browser) => setUp(browser, 'firm')));
    expect(ends.map(problem).sort()).toEqual(['none: /', 'set_up_done', 'set_up_done']);
    const users = await Promise.all(browsers.map((browser) => browser.user()));
    expect(users.filter((user) => user !== null)).toMatchObject([{ memberships: ['firm admin'] }]);
    expect(problem(await setUp(new Browser(off), 'again'))).toBe('set_up_done');
  });

  test('no password opens or makes anything, nor prolongs what one began', async () => {
    const browser = new Browser(off);
    const password = 'correct horse battery staple';
    const calls: [string, object][] = [
      ['SessionService/SignIn', { identifier: 'new1', password }],
      ['SessionService/SetUp', { token, organisation: 'o', username: 'u', email: 'u@example.com', password }],
      ['UsersService/Login', { username: 'new1', password }],
      ['UsersService/Register', { username: 'u', email: 'u@example.com', password }],
      ['UsersService/RefreshToken', { refreshToken: 'x' }],
    ];
    await browser.signIn('acme', acme, { claims: newcomer() });
    const { rows } = await off.context.db.pool.query(
      'select user_id as id from credentials order by created_at desc limit 1',
    );
    const change = { userId: rows[0]?.id, currentPassword: password, newPassword: `${password} 2` };
    calls.push(['UsersService/ChangePassword', change]);
    for (const [method, body] of calls) {
      const { body: answer } = await browser.call(method, body);
      expect([method, answer['code']]).toEqual([method, 'failed_precondition']);
      expect(String(answer['message'])).toMatch(/^passwords are switched off .* The acme/);
    }
    const { body } = await new Browser(off).call('SessionService/GetSession', {});
    expect(body).toMatchObject({ passwordsOff: true, providers: [{ provider: 'acme', name: 'The acme' }] });
  });
});

test('a provider that is away stops nothing but its own sign-ins, and is taken when it is back', async () => {
  const away = await startLyingProvider();
  await away.stop();
  const its = await startTestApp({ config: { oidcProviders: [describeProvider('away', away)] } });
  try {
    await person(its, 'founder');
    const browser = new Browser(its);
    expect(problem((await browser.go('/auth/oidc/away/start?return_to=/orgs/x')).to)).toBe('provider_away');
    expect(browser.cookies.size).toBe(0);
    await away.again();
    await eventually(async () => {
      const { to } = await browser.go('/auth/oidc/away/start');
      return to.origin === away.issuer;
    }, 'the provider to be taken again');
    const { to } = await browser.go('/auth/oidc/away/start');
    const answer = away.consent(to, { claims: newcomer() });
    await away.stop();
    expect(problem((await browser.go(`/auth/oidc/away/callback?${answer}`)).to)).toBe('provider_away');
  } finally {
    await its.stop();
  }
});

test('begins at one server and ends at another, once', async () => {
  const config = {
    oidcProviders: [describeProvider('acme', acme)],
    publicUrl: 'http://forage.example.com',
    databaseUrl: app.databaseUrl,
  };
  const servers = await Promise.all([startTestApp({ config }), startTestApp({ config })]);
  try {
    const [one, two] = servers;
    const begins = new Browser(one);
    const { to } = await begins.go('/auth/oidc/acme/start');
    const answer = acme.consent(to, { claims: newcomer(), careless: true });
    const ends = servers.map((server) => {
      const browser = new Browser(server);
      for (const [name, value] of begins.cookies) browser.cookies.set(name, value);
      return browser.go(`/auth/oidc/acme/callback?${answer}`);
    });
    expect((await Promise.all(ends)).map((end) => problem(end.to)).sort()).toEqual(['expired', 'none: /']);
    const again = new Browser(two);
    again.cookies.clear();
    expect(problem((await again.go(`/auth/oidc/acme/callback?${answer}`)).to)).toBe('expired');
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
});

test('over HTTPS the cookie of a sign-in is this host’s alone', async () => {
  const config = { oidcProviders: [describeProvider('acme', acme)], publicUrl: 'https://forage.example.com' };
  const its = await startTestApp({ config });
  try {
    const { headers } = await visit(`${its.url}/auth/oidc/acme/start`);
    const [cookie = ''] = headers['set-cookie'] ?? [];
    expect(cookie).toMatch(/^__Host-forage_oidc_[0-9a-f]{16}=/);
    for (const attribute of ['Secure', 'HttpOnly', 'Path=/', 'SameSite=Lax'])
      expect(cookie).toContain(attribute);
    expect(cookie).not.toContain('Domain');
    const to = new URL(headers.location ?? '');
    expect(to.searchParams.get('redirect_uri')).toBe('https://forage.example.com/auth/oidc/acme/callback');
  } finally {
    await its.stop();
  }
});

test('the log tells why, and holds no code, token, cookie, secret or address', async () => {
  const browser = new Browser();
  const { to } = await browser.go('/auth/oidc/acme/start');
  const claims = newcomer({ email: 'told.to.nobody@example.com', aud: 'somebody-else' });
  const answer = acme.consent(to, { claims });
  const end = (await browser.go(`/auth/oidc/acme/callback?${answer}`)).to;
  const line = kept.lines().find(({ requestId }) => requestId === end.searchParams.get('request'));
  expect(line).toMatchObject({ problem: 'provider_refused', provider: 'acme' });
  expect(JSON.stringify(line)).toContain('claim');
  const text = kept.text();
  const secrets = [...to.searchParams.values()].filter((value) => /^[\w-]{43}$/.test(value));
  secrets.push(new URLSearchParams(answer).get('code') ?? '', CLIENT.secret, 'told.to.nobody', 'eyJ');
  expect(secrets).toHaveLength(7);
  for (const secret of secrets) expect(text).not.toContain(secret);
  expect(text).not.toMatch(/forage_s_[\w-]{20}/);
});
