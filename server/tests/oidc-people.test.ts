import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SessionService } from '#server/gen/forest/v1/sessions_pb.ts';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import { inTurn } from './in-turn.ts';
import { keptLog } from './log-lines.ts';
import { Browser, describeProvider, newcomer, problem, startOidc, traces, unique } from './oidc-world.ts';
import { expectRefusal, refusal } from './refusal.ts';
import { PASSWORD, type Person, person, world } from './world.ts';

const { acme, other, app, w, stop } = await startOidc(keptLog().log);
afterAll(stop);

describe('sign-in by a provider is refused', () => {
  test.each([
    ['is not verified', { email_verified: false }, 'email_unverified'],
    ['is not verified, in words', { email_verified: 'false' }, 'email_unverified'],
    ['has no verification', { email_verified: undefined }, 'email_unverified'],
    ['is missing', { email: undefined }, 'email_unverified'],
    ['is of another domain', { email: 'a@evil.example' }, 'domain_not_allowed'],
    ['is of a subdomain', { email: 'a@sub.example.com' }, 'domain_not_allowed'],
    ['is of a domain with that suffix', { email: 'a@notexample.com' }, 'domain_not_allowed'],
  ])('to a user whose address %s', async (_what, changes, code) => {
    const before = await traces(app);
    const end = await new Browser(app).signIn('strict', acme, { claims: newcomer(changes) });
    expect(problem(end)).toBe(code);
    expect(await traces(app)).toEqual(before);
  });

  test('when the address is no longer verified', async () => {
    const claims = newcomer({ email: `Upper${unique()}@EXAMPLE.com` });
    expect(problem(await new Browser(app).signIn('strict', acme, { claims }))).toBe('none: /');
    const end = await new Browser(app).signIn('strict', acme, {
      claims: { ...claims, email_verified: false },
    });
    expect(problem(end)).toBe('email_unverified');
  });

  test('when another user has the address, so that an address cannot take over a user', async () => {
    const before = await traces(app);
    const { username } = w.admin;
    const email = `${username.toUpperCase()}@example.com`;
    const browser = new Browser(app);
    expect(problem(await browser.signIn('acme', acme, { claims: newcomer({ email }) }))).toBe('email_taken');
    expect(await browser.user()).toBeNull();
    expect(await traces(app)).toEqual(before);
    // The same for a user of another provider.
    const claims = newcomer();
    await new Browser(app).signIn('acme', acme, { claims });
    expect(problem(await new Browser(app).signIn('other', other, { claims }))).toBe('email_taken');
  });
});

test('the history shows registrations, sign-ins, connections and refusals', async () => {
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
  const to = new URL(String(body['authorizationUrl']));
  await browser.back(other.consent(to, { claims: newcomer() }), 'other');
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
  }, `the history of ${organisation} to be complete`);
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

  test('make new users of that provider and domain members, once', async () => {
    const { admin, organisationId, organisation } = w;
    const { joinRule } = await rule(admin, organisationId, 'Joins.Example');
    expect(joinRule).toMatchObject({ provider: 'acme', emailDomain: 'joins.example' });
    const claims = newcomer({ email: `x${unique()}@JOINS.example` });
    const signIn = async (changes: object, id = 'acme', at = acme) => {
      const browser = new Browser(app);
      await browser.signIn(id, at, { claims: newcomer({ ...changes }) });
      return await browser.user();
    };
    const user = await signIn(claims);
    expect(user?.memberships).toEqual([`${organisation} member`]);
    const { entries } = await admin.policies.listHistory({ organisation, kind: 'member.added' });
    const entry = entries.find(({ subject }) => subject === `member ${user?.username}`);
    expect(entry).toMatchObject({ actorUsername: 'forage' });
    expect(JSON.stringify(entry?.after)).toContain('first sign-in with acme');

    // Not with another provider, from another domain, or after removal.
    const email = `y${unique()}@joins.example`;
    expect((await signIn({ email }, 'other', other))?.memberships).toEqual([]);
    expect((await signIn({ email: 'y@sub.joins.example' }))?.memberships).toEqual([]);
    const { members } = await admin.organisations.listMembers({ organisationId });
    const userId = members.find(({ username }) => username === user?.username)?.userId ?? '';
    await admin.organisations.removeMember({ organisationId, userId });
    expect(await signIn(claims)).toEqual({ username: user?.username, memberships: [] });

    await admin.organisations.deleteJoinRule({ organisationId, joinRuleId: joinRule?.joinRuleId ?? '' });
    expect((await signIn({ email: 'z@joins.example' }))?.memberships).toEqual([]);
  });

  test('belong to one organisation and a known provider', async () => {
    const theirs = await world(app);
    const { organisationId } = w;
    const wrong = await refusal(rule(w.admin, organisationId, 'a.example', 'nobody'));
    expect(wrong).toMatchObject({ code: 'InvalidArgument', fields: ['provider'] });
    const noDomain = await refusal(rule(w.admin, organisationId, 'no domain'));
    expect(noDomain).toMatchObject({ code: 'InvalidArgument', fields: ['email_domain'] });
    const { joinRule } = await rule(w.admin, organisationId, 'a.example');
    await expectRefusal('AlreadyExists', rule(w.admin, organisationId, 'A.example'));
    const joinRuleId = joinRule?.joinRuleId ?? '';
    const foreign = { organisationId: theirs.organisationId, joinRuleId };
    await expectRefusal('NotFound', theirs.admin.organisations.deleteJoinRule(foreign));
    const listed = await w.reviewer.organisations.listJoinRules({ organisationId });
    expect(listed.joinRules).toEqual([joinRule]);
    expect((await theirs.admin.organisations.listJoinRules(foreign)).joinRules).toEqual([]);
    const history = { organisation: w.organisation, kind: 'join_rule.created' };
    const { entries } = await w.admin.policies.listHistory(history);
    const created = { subject: 'join rule a.example by acme', actorUsername: w.admin.username };
    expect(entries[0]).toMatchObject(created);
  });

  test('apply in every organisation that has one, also when several are created at once', async () => {
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
  const withPassword = async () => {
    const user = await person(app, 'connects');
    const browser = new Browser(app);
    await browser.call('SessionService/SignIn', { identifier: user.username, password: PASSWORD });
    return { ...user, browser };
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

  test('lets a user with a password sign in by the provider, with any address', async () => {
    const { browser, username } = await withPassword();
    const { url } = await connecting(browser);
    const session = browser.cookies.get('forage_session');
    const claims = newcomer({ email: `${username}@example.com` });
    expect(problem(await browser.back(acme.consent(url, { claims })))).toBe('none: /account');
    expect(browser.cookies.get('forage_session')).toBe(session);
    expect(await identities(browser)).toMatchObject([{ provider: 'acme', email: claims.email }]);
    const elsewhere = new Browser(app);
    await elsewhere.signIn('acme', acme, { claims });
    expect((await elsewhere.user())?.username).toBe(username);

    // Another user cannot take it.
    const { browser: thief } = await withPassword();
    const theft = await connecting(thief);
    const taken = await thief.back(acme.consent(theft.url, { claims }));
    expect([problem(taken), taken.pathname]).toEqual(['identity_taken', '/account']);
    expect(await identities(thief)).toEqual([]);
    const mine = await identities(browser);
    const disconnect = { identityId: mine[0]?.identityId };
    expect((await thief.call('IdentityService/DisconnectIdentity', disconnect)).body['code']).toBe(
      'not_found',
    );

    expect((await browser.call('IdentityService/DisconnectIdentity', disconnect)).status).toBe(200);
    expect(problem(await new Browser(app).signIn('acme', acme, { claims }))).toBe('email_taken');
  });

  test('requires the recent browser session that began it', async () => {
    const { browser, userId, token } = await withPassword();
    const bearer = await fetch(`${app.url}/forest.v1.IdentityService/ConnectIdentity`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: '{"provider":"acme"}',
    });
    expect(bearer.status).toBe(403);
    expect((await connecting(browser, 'nobody')).code).toBe('not_found');

    // Signed out, or signed in as another user, while the browser was at the provider.
    for (const leave of ['out', 'else']) {
      const { browser: leaves } = await withPassword();
      const { url } = await connecting(leaves);
      if (leave === 'out') await leaves.call('SessionService/SignOut', {});
      else leaves.cookies.set('forage_session', browser.cookies.get('forage_session') ?? '');
      const end = await leaves.back(acme.consent(url, { claims: newcomer() }));
      expect(problem(end)).toBe('session_ended');
      expect(await identities(browser)).toEqual([]);
    }

    await app.context.db.pool.query(
      `update credentials set created_at = now() - interval '11 minutes' where user_id = $1`,
      [userId],
    );
    expect((await connecting(browser)).code).toBe('failed_precondition');
  });

  test('fails when a sign-out that it waits for ends the session', async () => {
    const { browser, userId, token } = await withPassword();
    const { url } = await connecting(browser);
    const answer = acme.consent(url, { claims: newcomer() });
    const [, end] = await inTurn(
      app,
      userId,
      () => app.client(SessionService, { token }).signOutEverywhere({}),
      () => browser.back(answer),
    );
    expect(problem(end)).toBe('session_ended');
    const sql = 'select 1 from user_identities where user_id = $1';
    expect((await app.context.db.pool.query(sql, [userId])).rows).toEqual([]);
  });

  test('keeps the only identity of a user without a password', async () => {
    const browser = new Browser(app);
    await browser.signIn('acme', acme, { claims: newcomer() });
    const [only] = await identities(browser);
    const { body } = await browser.call('IdentityService/DisconnectIdentity', {
      identityId: only?.identityId,
    });
    expect(body['code']).toBe('failed_precondition');
    const { url } = await connecting(browser, 'other');
    await browser.back(other.consent(url, { claims: newcomer() }), 'other');
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

describe('with passwords disabled', () => {
  const oidcProviders = [describeProvider('acme', acme)];
  let off: TestApp;
  let token: string;
  beforeAll(async () => {
    off = await startTestApp({ config: { oidcProviders, passwordSignIn: false } });
    token = off.setUpToken ?? '';
  });
  afterAll(() => off.stop());
  const setUp = (by: Browser, organisation: string, with_ = token, claims = newcomer()) =>
    by.signIn('acme', acme, { claims }, `?${new URLSearchParams({ set_up_token: with_, organisation })}`);

  test('the first admin signs in by a provider, with the one-time token, once', async () => {
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

  test('methods that use passwords are refused, and refresh tokens too', async () => {
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
      expect(String(answer['message'])).toMatch(/^Passwords are disabled .* The acme/);
    }
    const { body } = await new Browser(off).call('SessionService/GetSession', {});
    expect(body).toMatchObject({ passwordsOff: true, providers: [{ provider: 'acme', name: 'The acme' }] });
  });
});
