import { generateKeyPair } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import { keptLog } from './log-lines.ts';
import { CLIENT, type LyingProvider, type Story, startLyingProvider } from './lying-provider.ts';
import {
  Browser,
  describeProvider,
  newcomer,
  type OidcWorld,
  problem,
  startOidc,
  traces,
  visit,
} from './oidc-world.ts';
import { person } from './world.ts';

const kept = keptLog();
let there: OidcWorld;
let acme: LyingProvider;
let other: LyingProvider;
let app: TestApp;
beforeAll(async () => {
  there = await startOidc(kept.log);
  ({ acme, other, app } = there);
});
afterAll(() => there.stop());

describe('signing in by a provider', () => {
  test('goes there with PKCE, state and nonce, and comes back signed in at the place that was wanted', async () => {
    const browser = new Browser(app);
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
    const first = new Browser(app);
    await first.signIn('acme', acme, { claims });
    const again = new Browser(app);
    await again.signIn('acme', acme, {
      claims: { ...claims, email: 'married@example.com', preferred_username: 'else' },
    });
    expect(await again.user()).toEqual(await first.user());
  });

  test('asks for the address where the ID token has none, and takes it of the same person only', async () => {
    const claims = { ...newcomer(), email: undefined, email_verified: undefined };
    const told = { email: 'told@example.com', email_verified: true };
    const browser = new Browser(app);
    await browser.signIn('acme', acme, { claims, userinfo: { sub: claims.sub, ...told } });
    expect((await browser.user())?.username).toBe(claims.preferred_username);
    const lie = { claims: { ...claims, sub: 'another' }, userinfo: { sub: claims.sub, ...told } };
    expect(problem(await new Browser(app).signIn('acme', acme, lie))).toBe('provider_refused');
  });

  test('ends the session that the browser had, and gives a new one', async () => {
    const browser = new Browser(app);
    const claims = newcomer();
    await browser.signIn('acme', acme, { claims });
    const earlier = new Browser(app);
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
    const browser = new Browser(app);
    const [one, two] = [await browser.go('/auth/oidc/acme/start'), await browser.go('/auth/oidc/acme/start')];
    const claims = newcomer();
    for (const { to } of [one, two]) {
      const { to: end } = await browser.go(`/auth/oidc/acme/callback?${acme.consent(to, { claims })}`);
      expect(problem(end)).toBe('none: /');
    }
  });

  test('makes one user of one person who comes twice at once, and names that nobody has', async () => {
    const claims = newcomer({ preferred_username: 'twin' });
    const browsers = Array.from({ length: 4 }, () => new Browser(app));
    await Promise.all(browsers.map((browser) => browser.signIn('acme', acme, { claims })));
    const users = await Promise.all(browsers.map((browser) => browser.user()));
    expect(users.map((user) => user?.username)).toEqual(['twin', 'twin', 'twin', 'twin']);
    const rivals = Array.from({ length: 4 }, () => new Browser(app));
    await Promise.all(
      rivals.map((browser) =>
        browser.signIn('acme', acme, { claims: newcomer({ preferred_username: 'Twin' }) }),
      ),
    );
    const names = (await Promise.all(rivals.map((browser) => browser.user()))).map((u) => u?.username);
    expect(names.sort()).toEqual(['Twin-2', 'Twin-3', 'Twin-4', 'Twin-5']);
    // Nor the one by which the record calls the server itself.
    const browser = new Browser(app);
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
    const end = await new Browser(app).signIn('acme', acme, { claims: newcomer() }, query);
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
    const before = await traces(app);
    const story = await lie();
    const browser = new Browser(app);
    const end = await browser.signIn('acme', acme, { ...story, claims: { ...newcomer(), ...story.claims } });
    expect(problem(end)).toBe('provider_refused');
    expect(end.pathname).toBe('/sign-in');
    expect(end.href).not.toMatch(/script/);
    expect(browser.cookies.size).toBe(0);
    expect(await traces(app)).toEqual(before);
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
  const begun = async (browser = new Browser(app)) => {
    const { to } = await browser.go('/auth/oidc/acme/start');
    return { browser, to };
  };
  const refused = async (browser: Browser, path: string, code = 'expired') => {
    const [before, exchanges] = [await traces(app), acme.exchanges() + other.exchanges()];
    expect(problem((await browser.go(path)).to)).toBe(code);
    expect(browser.cookies.has('forage_session')).toBe(false);
    expect(await traces(app)).toEqual(before);
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
    await refused(new Browser(app), `/auth/oidc/acme/callback?${answer}`);
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
      const copy = new Browser(app);
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
    const browser = new Browser(app);
    expect((await browser.go('/auth/oidc/acme/start', { 'sec-fetch-mode': 'no-cors' })).status).toBe(403);
    for (const dest of ['iframe', 'frame', 'embed', 'object'])
      expect((await browser.go('/auth/oidc/acme/start', { 'sec-fetch-dest': dest })).status).toBe(403);
    expect(browser.cookies.size).toBe(0);
    const goes = { 'sec-fetch-dest': 'document', 'x-forwarded-for': '192.0.2.7' };
    expect((await browser.go('/auth/oidc/acme/start', goes)).to.origin).toBe(acme.issuer);
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
    const begin = (headers = {}) => new Browser(app).go('/auth/oidc/acme/start', headers);
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
    expect((await new Browser(app).go('/auth/oidc/acme/start')).to.origin).toBe(acme.issuer);
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
  const browser = new Browser(app);
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
