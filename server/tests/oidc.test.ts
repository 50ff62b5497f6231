import { generateKeyPair } from 'jose';
import { afterAll, describe, expect, test } from 'vitest';
import { eventually, startTestApp } from './harness.ts';
import { keptLog } from './log-lines.ts';
import { CLIENT, type Story } from './lying-provider.ts';
import {
  Browser,
  describeProvider,
  newcomer,
  problem,
  startOidc,
  traces,
  visit,
  withProvider,
} from './oidc-world.ts';

const kept = keptLog();
const { acme, other, app, stop } = await startOidc(kept.log);
afterAll(stop);

describe('sign-in by a provider', () => {
  test('uses PKCE, state and nonce, and returns to the requested path', async () => {
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
    expect((await browser.back(answer)).href).toBe(`${app.url}/orgs/x?tab=1`);
    expect(await browser.user()).toEqual({ username: 'Grace-Hopper', memberships: [] });
    expect([...browser.cookies.keys()]).toEqual(['forage_session']);
  });

  test('recognises a user whose name and address changed at the provider', async () => {
    const claims = newcomer();
    const first = new Browser(app);
    await first.signIn('acme', acme, { claims });
    const again = new Browser(app);
    await again.signIn('acme', acme, {
      claims: { ...claims, email: 'married@example.com', preferred_username: 'else' },
    });
    expect(await again.user()).toEqual(await first.user());
  });

  test('fetches an address that the ID token lacks, of the same subject only', async () => {
    const claims = { ...newcomer(), email: undefined, email_verified: undefined };
    const info = { email: 'info@example.com', email_verified: true };
    const browser = new Browser(app);
    await browser.signIn('acme', acme, { claims, userinfo: { sub: claims.sub, ...info } });
    expect((await browser.user())?.username).toBe(claims.preferred_username);
    const lie = { claims: { ...claims, sub: 'another' }, userinfo: { sub: claims.sub, ...info } };
    expect(problem(await new Browser(app).signIn('acme', acme, lie))).toBe('provider_refused');
  });

  test('replaces the session that the browser had', async () => {
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

  test('works in two tabs at once', async () => {
    const browser = new Browser(app);
    const [one, two] = [await browser.go('/auth/oidc/acme/start'), await browser.go('/auth/oidc/acme/start')];
    const claims = newcomer();
    for (const { to } of [one, two])
      expect(problem(await browser.back(acme.consent(to, { claims })))).toBe('none: /');
  });

  test('creates one user for simultaneous sign-ins, with a free username', async () => {
    const signInFourTimes = async (claimsOf: () => ReturnType<typeof newcomer>) => {
      const browsers = Array.from({ length: 4 }, () => new Browser(app));
      await Promise.all(browsers.map((browser) => browser.signIn('acme', acme, { claims: claimsOf() })));
      return (await Promise.all(browsers.map((browser) => browser.user()))).map((user) => user?.username);
    };
    const claims = newcomer({ preferred_username: 'twin' });
    expect(await signInFourTimes(() => claims)).toEqual(['twin', 'twin', 'twin', 'twin']);
    const names = await signInFourTimes(() => newcomer({ preferred_username: 'Twin' }));
    expect(names.sort()).toEqual(['Twin-2', 'Twin-3', 'Twin-4', 'Twin-5']);
    // The server’s own name in the history is reserved.
    const browser = new Browser(app);
    await browser.signIn('acme', acme, { claims: newcomer({ preferred_username: 'Forage' }) });
    expect((await browser.user())?.username).toBe('Forage-2');
  });

  test('does not redirect to another site', async () => {
    const query = '?return_to=%2F%2Fevil.example';
    const end = await new Browser(app).signIn('acme', acme, { claims: newcomer() }, query);
    expect(end.href).toBe(`${app.url}/`);
  });
});

test.each([
  ['by default in a header', undefined, CLIENT.secret],
  ['in a header', ['client_secret_post', 'client_secret_basic'], CLIENT.secret],
  ['in the body', ['private_key_jwt', 'client_secret_post'], CLIENT.secret],
  ['not at all as a public client', ['none'], null],
])('sends the client secret %s', async (_how, methods, clientSecret) => {
  await withProvider(
    { token_endpoint_auth_methods_supported: methods },
    async (its, own) => {
      const end = await new Browser(its).signIn('own', own, { claims: newcomer() });
      expect(problem(end)).toBe('none: /');
    },
    clientSecret,
  );
});

describe('a lying provider', () => {
  const now = () => Math.floor(Date.now() / 1000);
  const lies: readonly [string, () => Story | Promise<Story>][] = [
    ['another issuer', () => ({ claims: { iss: other.issuer } })],
    ['another audience', () => ({ claims: { aud: 'somebody-else' } })],
    ['two audiences, for the other', () => ({ claims: { aud: [CLIENT.id, 'else'], azp: 'else' } })],
    ['another nonce', () => ({ claims: { nonce: 'x'.repeat(43) } })],
    ['no nonce', () => ({ claims: { nonce: undefined } })],
    ['a token that has expired', () => ({ claims: { iat: now() - 7200, exp: now() - 3600 } })],
    ['a token that is not valid yet', () => ({ claims: { nbf: now() + 86_400 } })],
    ['a token that never expires', () => ({ claims: { exp: undefined } })],
    ['no subject', () => ({ claims: { sub: undefined } })],
    ['an invalid subject', () => ({ claims: { sub: 'a\u0000b' } })],
    ['no signature', () => ({ sign: 'none' })],
    ['a signature with the client secret', () => ({ sign: 'hmac' })],
    ['a signature of other claims', () => ({ sign: 'tampered' })],
    ['a signature with an unknown key', async () => ({ sign: (await generateKeyPair('RS256')).privateKey })],
    ['a signature by another provider', () => ({ sign: other.privateKey })],
    ['no ID token', () => ({ noIdToken: true })],
    ['another issuer in the response', () => ({ answer: { iss: other.issuer } })],
    ['a made-up code', () => ({ answer: { code: 'made-up' } })],
    ['no code', () => ({ answer: { code: undefined } })],
    ['an error with markup', () => ({ answer: { code: undefined, error: '<script>alert(1)</script>' } })],
  ];
  test.each(lies)('is refused with %s and leaves no trace', async (_what, lie) => {
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

  test('is refused without the issuer in the response that it announced', async () => {
    await withProvider({ authorization_response_iss_parameter_supported: true }, async (its, own) => {
      const without = await new Browser(its).signIn('own', own, { claims: newcomer() });
      expect(problem(without)).toBe('provider_refused');
      const story = { claims: newcomer(), answer: { iss: own.issuer } };
      expect(problem(await new Browser(its).signIn('own', own, story))).toBe('none: /');
    });
  });

  test('is not redirected to when it claims another issuer', async () => {
    await withProvider({ issuer: acme.issuer }, async (its) => {
      expect(problem((await new Browser(its).go('/auth/oidc/own/start')).to)).toBe('provider_away');
    });
  });
});

describe('a callback', () => {
  const begun = async (browser = new Browser(app)) => {
    const { to } = await browser.go('/auth/oidc/acme/start');
    return { browser, to };
  };
  const refused = async (browser: Browser, query: string, code = 'expired', id = 'acme') => {
    const [before, exchanges] = [await traces(app), acme.exchanges() + other.exchanges()];
    expect(problem(await browser.back(query, id))).toBe(code);
    expect(browser.cookies.has('forage_session')).toBe(false);
    expect(await traces(app)).toEqual(before);
    // Refused before the code is sent to a provider.
    if (code === 'expired') expect(acme.exchanges() + other.exchanges()).toBe(exchanges);
  };

  test('is refused with an unknown state, and without one', async () => {
    const { browser, to } = await begun();
    const answer = acme.consent(to, { claims: newcomer(), answer: { state: 'x'.repeat(43) } });
    await refused(browser, answer);
    await refused(browser, 'code=x');
    await refused(browser, '');
  });

  test('is refused in another browser and with the cookie of another sign-in', async () => {
    const { browser, to } = await begun();
    const answer = acme.consent(to, { claims: newcomer() });
    await refused(new Browser(app), answer);
    const { browser: stranger } = await begun();
    const [mine = ''] = [...browser.cookies.keys()];
    stranger.cookies.set(mine, [...stranger.cookies.values()][0] ?? '');
    await refused(stranger, answer);
    expect(problem(await browser.back(answer))).toBe('none: /');
  });

  test('is refused at the address of another provider', async () => {
    const { browser, to } = await begun();
    const answer = acme.consent(to, { claims: newcomer(), careless: true });
    await refused(browser, answer, 'expired', 'other');
  });

  test('works once, also when it comes five times at once', async () => {
    const { browser, to } = await begun();
    const answer = acme.consent(to, { claims: newcomer(), careless: true });
    const ends = await Promise.all(Array.from({ length: 5 }, () => browser.copy().back(answer)));
    expect(ends.map(problem).sort()).toEqual([...Array(4).fill('expired'), 'none: /']);
    await refused(browser, answer);
  });

  test('is refused with the code of an earlier sign-in, even if the provider accepts it', async () => {
    const first = await begun();
    const spent = acme.consent(first.to, { claims: newcomer(), careless: true });
    expect(problem(await first.browser.back(spent))).toBe('none: /');
    const second = await begun();
    const code = new URLSearchParams(spent).get('code') ?? '';
    const answer = acme.consent(second.to, { answer: { code } });
    await refused(second.browser, answer, 'provider_refused');
  });

  test('is refused after ten minutes', async () => {
    const { browser, to } = await begun();
    await app.context.db.pool.query(`update oidc_sign_ins set expires_at = now() - interval '1 second'`);
    const answer = acme.consent(to, { claims: newcomer() });
    await refused(browser, answer);
  });

  test('reports that the user cancelled', async () => {
    const { browser, to } = await begun();
    const answer = acme.consent(to, { answer: { code: undefined, error: 'access_denied' } });
    await refused(browser, answer, 'cancelled');
  });

  test('belongs to a sign-in that began by navigation, with GET, at a known provider', async () => {
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

  test('belongs to one of at most 200 pending sign-ins per address', async () => {
    await app.context.db.pool.query(
      `insert into oidc_sign_ins (state_hash, browser_hash, provider, nonce, code_verifier, return_to, address, expires_at)
       select sha256(n::text::bytea), '', 'acme', '', '', '/', '127.0.0.1',
              now() + interval '5 minutes' from generate_series(1, 199) n`,
    );
    const begin = (headers = {}) => new Browser(app).go('/auth/oidc/acme/start', headers);
    expect((await begin()).to.origin).toBe(acme.issuer);
    expect(problem((await begin()).to)).toBe('busy');
    // An IPv6 network counts as one address.
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

test('an unavailable provider fails only its own sign-ins, until it is back', async () => {
  await withProvider({}, async (its, away) => {
    await away.stop();
    const browser = new Browser(its);
    const begin = async () => (await browser.go('/auth/oidc/own/start?return_to=/orgs/x')).to;
    expect(problem(await begin())).toBe('provider_away');
    expect(browser.cookies.size).toBe(0);
    await away.again();
    await eventually(async () => (await begin()).origin === away.issuer, 'the provider to be used again');
    const answer = away.consent(await begin(), { claims: newcomer() });
    await away.stop();
    expect(problem(await browser.back(answer, 'own'))).toBe('provider_away');
  });
});

test('a sign-in can begin at one server and end once at another', async () => {
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
    const ends = await Promise.all(servers.map((server) => begins.copy(server).back(answer)));
    expect(ends.map(problem).sort()).toEqual(['expired', 'none: /']);
    expect(problem(await new Browser(two).back(answer))).toBe('expired');
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
});

test('with HTTPS the cookie of a sign-in is bound to the host', async () => {
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

test('the log has the cause, without codes, tokens, cookies, secrets and addresses', async () => {
  const browser = new Browser(app);
  const { to } = await browser.go('/auth/oidc/acme/start');
  const claims = newcomer({ email: 'private.address@example.com', aud: 'somebody-else' });
  const answer = acme.consent(to, { claims });
  const end = await browser.back(answer);
  const line = kept.lines().find(({ requestId }) => requestId === end.searchParams.get('request'));
  expect(line).toMatchObject({ problem: 'provider_refused', provider: 'acme' });
  expect(JSON.stringify(line)).toContain('claim');
  const text = kept.text();
  const secrets = [...to.searchParams.values()].filter((value) => /^[\w-]{43}$/.test(value));
  secrets.push(new URLSearchParams(answer).get('code') ?? '', CLIENT.secret, 'private.address', 'eyJ');
  expect(secrets).toHaveLength(7);
  for (const secret of secrets) expect(text).not.toContain(secret);
  expect(text).not.toMatch(/forage_s_[\w-]{20}/);
});
