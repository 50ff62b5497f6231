import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PolicyService } from '#server/gen/forest/v1/policies_pb.ts';
import { SessionService } from '#server/gen/forest/v1/sessions_pb.ts';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import { inTurn } from './in-turn.ts';
import { keptLog } from './log-lines.ts';
import type { LyingProvider } from './lying-provider.ts';
import {
  Browser,
  describeProvider,
  newcomer,
  type OidcWorld,
  problem,
  startOidc,
  traces,
  unique,
} from './oidc-world.ts';
import { refusal } from './refusal.ts';
import { type Person, person, type World, world } from './world.ts';

const kept = keptLog();
let there: OidcWorld;
let acme: LyingProvider;
let other: LyingProvider;
let app: TestApp;
let w: World;
beforeAll(async () => {
  there = await startOidc(kept.log);
  ({ acme, other, app, w } = there);
});
afterAll(() => there.stop());

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
    const before = await traces(app);
    const end = await new Browser(app).signIn('strict', acme, { claims: newcomer(changes) });
    expect(problem(end)).toBe(code);
    expect(await traces(app)).toEqual(before);
  });

  test('is asked each time: an address that is not verified any more lets nobody in', async () => {
    const claims = newcomer({ email: `Upper${unique()}@EXAMPLE.com` });
    expect(problem(await new Browser(app).signIn('strict', acme, { claims }))).toBe('none: /');
    const end = await new Browser(app).signIn('strict', acme, {
      claims: { ...claims, email_verified: false },
    });
    expect(problem(end)).toBe('email_unverified');
  });

  test('is not a user who has that address here: nobody is taken over by an address', async () => {
    const before = await traces(app);
    const { username } = w.admin;
    const email = `${username.toUpperCase()}@example.com`;
    const browser = new Browser(app);
    expect(problem(await browser.signIn('acme', acme, { claims: newcomer({ email }) }))).toBe('email_taken');
    expect(await browser.user()).toBeNull();
    expect(await traces(app)).toEqual(before);
    // Nor one who came by another provider.
    const claims = newcomer();
    await new Browser(app).signIn('acme', acme, { claims });
    expect(problem(await new Browser(app).signIn('other', other, { claims }))).toBe('email_taken');
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
  const browser = new Browser(app);
  await browser.signIn('strict', acme, { claims });
  await admin.organisations.deleteJoinRule({ organisationId, joinRuleId: joinRule?.joinRuleId ?? '' });
  const { body } = await browser.call('IdentityService/ConnectIdentity', { provider: 'other' });
  const answer = other.consent(new URL(String(body['authorizationUrl'])), { claims: newcomer() });
  await browser.go(`/auth/oidc/other/callback?${answer}`);
  const { body: ways } = await browser.call('IdentityService/ListIdentities', {});
  const [, second] = ways['identities'] as { identityId: string }[];
  await browser.call('IdentityService/DisconnectIdentity', { identityId: second?.identityId });
  await browser.signIn('strict', acme, { claims });
  await new Browser(app).signIn('strict', acme, { claims: { ...claims, email_verified: false } });
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
    const claims = newcomer({ email: `x${unique()}@JOINS.example` });
    const browser = new Browser(app);
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
    const elsewhere = new Browser(app);
    await elsewhere.signIn('other', other, { claims: newcomer({ email: `y${unique()}@joins.example` }) });
    const below = new Browser(app);
    await below.signIn('acme', acme, { claims: newcomer({ email: `y${unique()}@sub.joins.example` }) });
    for (const one of [elsewhere, below]) expect((await one.user())?.memberships).toEqual([]);
    const { members } = await admin.organisations.listMembers({ organisationId });
    const userId = members.find(({ username }) => username === user?.username)?.userId ?? '';
    await admin.organisations.removeMember({ organisationId, userId });
    const again = new Browser(app);
    await again.signIn('acme', acme, { claims });
    expect(await again.user()).toEqual({ username: user?.username, memberships: [] });

    await admin.organisations.deleteJoinRule({ organisationId, joinRuleId: joinRule?.joinRuleId ?? '' });
    const late = new Browser(app);
    await late.signIn('acme', acme, { claims: newcomer({ email: `z${unique()}@joins.example` }) });
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
    const browsers = Array.from({ length: 6 }, () => new Browser(app));
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
    const browser = new Browser(app);
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
    const elsewhere = new Browser(app);
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
    expect(problem(await new Browser(app).signIn('acme', acme, { claims }))).toBe('email_taken');
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

  test('waits for a sign-out that came before it, and comes to nothing then', async () => {
    const { browser, userId, token } = await withPassword();
    const { url } = await connecting(browser);
    const answer = acme.consent(url, { claims: newcomer() });
    const [, end] = await inTurn(
      app,
      userId,
      () => app.client(SessionService, { token }).signOutEverywhere({}),
      () => browser.go(`/auth/oidc/acme/callback?${answer}`),
    );
    expect(problem(end.to)).toBe('session_ended');
    const { rows } = await app.context.db.pool.query('select 1 from user_identities where user_id = $1', [
      userId,
    ]);
    expect(rows).toEqual([]);
  });

  test('leaves a way in: the only identity of a user without a password stays', async () => {
    const browser = new Browser(app);
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
