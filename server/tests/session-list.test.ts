import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { UsersService } from '#server/gen/forest/v1/users_pb.ts';
import { readProxies } from '#server/http/client-address.ts';
import { asBrowser, post } from './browser.ts';
import { testClock } from './clock.ts';
import { eventually, startTestApp } from './harness.ts';
import { inTurn } from './in-turn.ts';
import { beside } from './neighbours.ts';
import { PASSWORD, person } from './world.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const clock = testClock(new Date());
const statements: string[] = [];
const config = { trustedProxies: readProxies('127.0.0.1') };
const app = await startTestApp({ clock, config, observeStatement: (name) => statements.push(name) });
const other = await beside(app, { clock, config });
afterAll(async () => {
  await other.stop();
  await app.stop();
});

let username = '';
let userId = '';
beforeEach(async () => {
  ({ username, userId } = await person(app));
  // Registering logs in.
  await app.context.db.pool.query('delete from credentials');
});

const signIn = async (headers: Record<string, string> = {}, name = username) =>
  (await post(app, 'SessionService/SignIn', { identifier: name, password: PASSWORD }, headers)).cookie;
const login = async (headers: Record<string, string> = {}) => {
  const { body } = await post(app, 'UsersService/Login', { username, password: PASSWORD }, headers);
  const { tokens } = body as { tokens?: { accessToken: string; refreshToken: string } };
  if (tokens === undefined) throw new Error('no tokens');
  return tokens;
};
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const list = async (headers: Record<string, string>, request: object = {}) =>
  (await post(app, 'SessionService/ListSessions', request, headers)).body;
/** Whether both servers accept the credential. */
const isValid = async (headers: Record<string, string>) => {
  const answers = await Promise.all(
    [app, other].map((server) => post(server, 'UsersService/TokenInfo', {}, headers)),
  );
  const [first, second] = answers.map(({ status }) => status === 200);
  if (first !== second) throw new Error('The servers disagree');
  return first;
};

describe('a session', () => {
  test('ends after 12 hours without use', async () => {
    const cookie = await signIn();
    for (let use = 0; use < 2; use++) {
      clock.advance(12 * HOUR - MINUTE);
      expect(await isValid({ cookie })).toBe(true);
      await lastUseIsStored();
    }
    clock.advance(12 * HOUR + 1000);
    expect(await isValid({ cookie })).toBe(false);
    expect((await post(app, 'SessionService/GetSession', {}, { cookie })).body.session).toBeUndefined();
    expect((await list({ cookie })).code).toBe('unauthenticated');
  });

  /** It is stored after the response. */
  const lastUseIsStored = () =>
    eventually(async () => {
      const sql = 'select 1 from credentials where last_used_at > $1';
      const { rowCount } = await app.context.db.pool.query(sql, [new Date(clock.now().getTime() - MINUTE)]);
      return rowCount === 1;
    }, 'the use to be stored');

  test('ends after 14 days, even when it is used', async () => {
    const cookie = await signIn();
    // 14 days less 28 minutes.
    for (let halfDay = 0; halfDay < 28; halfDay++) {
      clock.advance(12 * HOUR - MINUTE);
      expect([halfDay, await isValid({ cookie })]).toEqual([halfDay, true]);
      await lastUseIsStored();
    }
    clock.advance(29 * MINUTE);
    expect(await isValid({ cookie })).toBe(false);
  });

  test('has configurable limits', async () => {
    const strict = await beside(app, { clock, config: { sessionDays: 1, sessionIdleMinutes: 10 } });
    try {
      const body = { identifier: username, password: PASSWORD };
      const { cookie, headers } = await post(strict, 'SessionService/SignIn', body);
      const expires = /Expires=([^;]+)/.exec(headers.get('set-cookie') ?? '')?.[1] ?? '';
      expect(Math.abs(Date.parse(expires) - clock.now().getTime() - 24 * HOUR)).toBeLessThan(1000);
      clock.advance(9 * MINUTE);
      expect(await isValid({ cookie })).toBe(true);
      await lastUseIsStored();
      clock.advance(10 * MINUTE + 1000);
      expect(await isValid({ cookie })).toBe(false);
    } finally {
      await strict.stop();
    }
  });

  test('causes at most one write a minute', async () => {
    const cookie = await signIn();
    await list({ cookie });
    await lastUseIsStored();
    statements.length = 0;
    for (let i = 0; i < 20; i++) await list({ cookie });
    expect(statements.filter((name) => name === 'access.touch_credential')).toEqual([]);
    expect(statements.filter((name) => name === 'credentials.list_logins')).toHaveLength(20);
  });
});

describe('ListSessions', () => {
  test('shows browsers and clients, where each began, and the current one', async () => {
    const cookie = await signIn({ 'x-forwarded-for': '192.0.2.7', 'user-agent': 'Browser/1.0' });
    clock.advance(1000);
    const noise = `Client\u200b\u202e/2 ${'x'.repeat(400)}`;
    const encoded = Buffer.from(noise, 'utf8').toString('latin1');
    const tokens = await login({ 'x-forwarded-for': '2001:db8::7', 'user-agent': encoded });
    await signIn({}, (await person(app)).username);
    const { sessions = [] } = await list({ cookie });
    expect(sessions).toMatchObject([
      { kind: 'SESSION_KIND_CLIENT', address: '2001:db8::7' },
      { kind: 'SESSION_KIND_BROWSER', address: '192.0.2.7', userAgent: 'Browser/1.0', current: true },
    ]);
    expect(sessions).toHaveLength(2);
    expect(sessions[0]?.current).toBeUndefined();
    expect(sessions[0]?.userAgent).toHaveLength(300);
    expect(sessions[0]?.userAgent).toMatch(/^[\x20-\x7e\u00a0-\u00ff]+$/);
    const twelve = Date.parse(sessions[1]?.expiresAt ?? '') - Date.parse(sessions[1]?.lastUsedAt ?? '');
    expect(twelve).toBe(12 * HOUR);
    // A login keeps its id and its beginning when its tokens are refreshed.
    clock.advance(1000);
    const refresh = { refreshToken: tokens.refreshToken };
    const again = await post(app, 'UsersService/RefreshToken', refresh, { 'user-agent': 'Thief/1.0' });
    const { tokens: fresh } = again.body as { tokens?: { accessToken: string } };
    const seen = (await list(bearer(fresh?.accessToken ?? ''))).sessions ?? [];
    expect(seen).toHaveLength(2);
    expect(seen[0]).toMatchObject({
      sessionId: sessions[0]?.sessionId,
      begunAt: sessions[0]?.begunAt,
      userAgent: sessions[0]?.userAgent,
      current: true,
    });
    expect(seen[0]?.lastUsedAt).not.toBe(sessions[0]?.lastUsedAt);
  });

  test('shows the address also over gRPC', async () => {
    const transport = createGrpcTransport({ baseUrl: app.url });
    const users = createClient(UsersService, transport);
    const { tokens } = await users.login({
      identifier: { case: 'username', value: username },
      password: PASSWORD,
    });
    const { sessions = [] } = await list(bearer(tokens?.accessToken ?? ''));
    expect(sessions).toMatchObject([{ address: '127.0.0.1', current: true }]);
  });

  test('returns pages, newest first', async () => {
    const cookies: string[] = [];
    for (let i = 0; i < 5; i++) {
      cookies.push(await signIn());
      clock.advance(1000);
    }
    const cookie = cookies[0] ?? '';
    const seen: string[] = [];
    let pageToken = '';
    do {
      const page = await list({ cookie }, { pageSize: 2, pageToken });
      seen.push(...(page.sessions ?? []).map(({ begunAt }) => begunAt));
      pageToken = page.nextPageToken ?? '';
    } while (pageToken !== '');
    expect(seen).toHaveLength(5);
    expect(seen).toEqual([...seen].sort().reverse());
  });

  test('EndSession ends one at once, on every server, and none of another user', async () => {
    const mine = await signIn();
    const lost = await signIn();
    const theirs = await signIn({}, (await person(app)).username);
    const idOf = async (cookie: string) =>
      (await list({ cookie })).sessions?.find(({ current }) => current)?.sessionId ?? '';
    const [lostId, theirId] = [await idOf(lost), await idOf(theirs)];
    const end = (sessionId: string, cookie = mine) =>
      post(app, 'SessionService/EndSession', { sessionId }, asBrowser(cookie));
    const refused = await end(theirId);
    expect(refused.body).toMatchObject({ code: 'not_found', message: `Session ${theirId} not found` });
    expect(await isValid({ cookie: theirs })).toBe(true);
    expect((await end(lostId)).status).toBe(200);
    expect(await isValid({ cookie: lost })).toBe(false);
    expect((await end(lostId)).body.code).toBe('not_found');
    expect(await isValid({ cookie: mine })).toBe(true);
    // One's own: the cookie goes with it.
    const out = await end(await idOf(mine));
    expect(out.headers.get('set-cookie')).toMatch(/^forage_session=; .*Max-Age=0/);
    expect(await isValid({ cookie: mine })).toBe(false);
  });

  test('EndSession ends a login with all of its tokens', async () => {
    const cookie = await signIn();
    const { accessToken, refreshToken } = await login();
    const [client] = (await list({ cookie })).sessions ?? [];
    await post(app, 'SessionService/EndSession', { sessionId: client?.sessionId }, asBrowser(cookie));
    expect(await isValid(bearer(accessToken))).toBe(false);
    const refreshed = await post(other, 'UsersService/RefreshToken', { refreshToken });
    expect(refreshed.body.code).toBe('unauthenticated');
  });
});

describe('SignOutEverywhere', () => {
  test('ends all logins of the user, or all but this one; access tokens keep working', async () => {
    const here = await signIn();
    const there = await signIn();
    const { accessToken } = await login();
    const create = { userId, name: 'ci', scopes: ['read'] };
    const made = await post(app, 'UsersService/CreatePersonalAccessToken', create, asBrowser(here));
    const { rawToken = '' } = made.body as { rawToken?: string };
    const signOut = (keepThis: boolean) =>
      post(other, 'SessionService/SignOutEverywhere', { keepThis }, asBrowser(here));

    expect((await signOut(true)).cookie).toBe('');
    expect(await Promise.all([here, there].map((cookie) => isValid({ cookie })))).toEqual([true, false]);
    expect(await isValid(bearer(accessToken))).toBe(false);
    expect(await isValid(bearer(rawToken))).toBe(true);
    const second = await signIn();
    const out = await signOut(false);
    expect(out.headers.get('set-cookie')).toMatch(/^forage_session=; .*Max-Age=0/);
    expect(await Promise.all([here, second].map((cookie) => isValid({ cookie })))).toEqual([false, false]);
    expect(await isValid(bearer(rawToken))).toBe(true);
  });

  test.each(['before', 'after'])(
    'leaves no tokens of a login that is refreshed %s it, while both wait',
    async (when) => {
      const here = await signIn();
      const { refreshToken } = await login();
      const refresh = () => post(app, 'UsersService/RefreshToken', { refreshToken });
      const signOut = () => post(other, 'SessionService/SignOutEverywhere', {}, asBrowser(here));
      if (when === 'before') await inTurn(app, userId, refresh, signOut);
      else await inTurn(app, userId, signOut, refresh);
      const valid = 'select kind from credentials where revoked_at is null and expires_at > $1';
      expect((await app.context.db.pool.query(valid, [clock.now()])).rows).toEqual([]);
    },
  );

  test('refuses calls of ended sessions that waited for it', async () => {
    const token = { userId, name: 'lasting', scopes: ['approve'] };
    const late: [string, object][] = [
      ['UsersService/CreatePersonalAccessToken', token],
      ['SessionService/SignOutEverywhere', {}],
    ];
    for (const [method, request] of late) {
      const owner = asBrowser(await signIn());
      const stolen = asBrowser(await signIn());
      const [ended, refused] = await inTurn(
        app,
        userId,
        () => post(other, 'SessionService/SignOutEverywhere', { keepThis: true }, owner),
        () => post(app, method, request, stolen),
      );
      expect(ended.status).toBe(200);
      expect([method, refused.body.code]).toEqual([method, 'unauthenticated']);
      expect(await isValid(owner)).toBe(true);
    }
    const created = `select 1 from credentials where user_id = $1 and kind = 'personal'`;
    expect((await app.context.db.pool.query(created, [userId])).rows).toEqual([]);
  });
});

test('ChangePassword renews the session’s cookie and ends copies of the old one', async () => {
  const cookie = await signIn();
  const copy = asBrowser(cookie);
  const { sessions: before } = await list({ cookie });
  const change = (newPassword: string, headers: Record<string, string>) =>
    post(app, 'UsersService/ChangePassword', { userId, currentPassword: PASSWORD, newPassword }, headers);
  for (const easy of ['administrator', `${username}-${username}`, PASSWORD, 'short']) {
    const { body } = await change(easy, copy);
    expect(body.code).toBe('invalid_argument');
    expect(body.message).toContain('newPassword');
  }
  expect(await isValid({ cookie })).toBe(true);
  const changed = await change('another long password', copy);
  expect(changed.status).toBe(200);
  expect(changed.cookie).toMatch(/^forage_session=forage_s_/);
  const fresh = asBrowser(changed.cookie);
  expect(changed.body.csrfToken).toBe(fresh['x-csrf-token']);
  expect(await isValid({ cookie })).toBe(false);
  expect(await isValid(fresh)).toBe(true);
  const mixed = { cookie: changed.cookie, 'x-csrf-token': copy['x-csrf-token'] };
  expect((await post(app, 'SessionService/SignOut', {}, mixed)).body.code).toBe('permission_denied');
  // It is still the same session.
  const { sessionId, begunAt } = before?.[0] ?? {};
  expect((await list(fresh)).sessions).toMatchObject([{ sessionId, begunAt }]);
});
