import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { UsersService } from '#server/gen/forest/v1/users_pb.ts';
import { readProxies } from '#server/http/client-address.ts';
import { asBrowser, post } from './browser.ts';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import { inTurn } from './in-turn.ts';

const PASSWORD = 'a long enough password';
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let offset = 0;
const clock = {
  now: () => new Date(Date.now() + offset),
  sleep: async (milliseconds: number, signal?: AbortSignal) => {
    await sleep(milliseconds, undefined, { signal });
  },
};
const statements: string[] = [];
const config = { trustedProxies: readProxies('127.0.0.1') };
let app: TestApp;
/** Another server on the same database. */
let other: TestApp;
beforeAll(async () => {
  app = await startTestApp({ clock, config, observeStatement: (name) => statements.push(name) });
  other = await startTestApp({ clock, config: { ...config, databaseUrl: app.databaseUrl } });
});
afterAll(async () => {
  await other.stop();
  await app.stop();
});

let n = 0;
let username = '';
beforeEach(async () => {
  username = `user-${++n}`;
  await register(username);
  // The login that registering was.
  await app.context.db.pool.query('delete from credentials');
});
const register = (name: string) =>
  post(app, 'UsersService/Register', {
    username: name,
    email: `${name}@example.com`,
    password: PASSWORD,
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
/** Whether the credential lets anybody in, as both servers say. */
const letsIn = async (headers: Record<string, string>) => {
  const answers = await Promise.all(
    [app, other].map((server) => post(server, 'UsersService/TokenInfo', {}, headers)),
  );
  const [first, second] = answers.map(({ status }) => status === 200);
  if (first !== second) throw new Error('two servers, two minds');
  return first;
};

describe('a session', () => {
  test('ends when nobody has used it for twelve hours, and lasts while somebody does', async () => {
    const cookie = await signIn();
    offset += 12 * HOUR - MINUTE;
    expect(await letsIn({ cookie })).toBe(true);
    await lastUseIsNoted();
    offset += 12 * HOUR - MINUTE;
    expect(await letsIn({ cookie })).toBe(true);
    await lastUseIsNoted();
    offset += 12 * HOUR + 1000;
    expect(await letsIn({ cookie })).toBe(false);
    expect((await post(app, 'SessionService/GetSession', {}, { cookie })).body.session).toBeUndefined();
    expect((await list({ cookie })).code).toBe('unauthenticated');
    // The next one that begins sweeps it out.
    await signIn();
    const { rowCount } = await app.context.db.pool.query(`select 1 from credentials where kind = 'session'`);
    expect(rowCount).toBe(1);
  });

  /** It is written down after the answer. */
  const lastUseIsNoted = () =>
    eventually(async () => {
      const sql = 'select 1 from credentials where last_used_at > $1';
      const { rowCount } = await app.context.db.pool.query(sql, [new Date(clock.now().getTime() - MINUTE)]);
      return rowCount === 1;
    }, 'the use to be noted');

  test('ends after fourteen days, however much it is used', async () => {
    const cookie = await signIn();
    for (let day = 0; day < 27; day++) {
      offset += 12 * HOUR - MINUTE;
      expect([day, await letsIn({ cookie })]).toEqual([day, true]);
      await lastUseIsNoted();
    }
    offset += 13 * HOUR - (12 * HOUR - 27 * MINUTE);
    expect(await letsIn({ cookie })).toBe(true);
    offset += 12 * HOUR - 30 * MINUTE;
    expect(await letsIn({ cookie })).toBe(false);
  });

  test('has its times from the configuration', async () => {
    const strict = await startTestApp({
      clock,
      config: { databaseUrl: app.databaseUrl, sessionDays: 1, sessionIdleMinutes: 10 },
    });
    try {
      const body = { identifier: username, password: PASSWORD };
      const { cookie, headers } = await post(strict, 'SessionService/SignIn', body);
      const expires = /Expires=([^;]+)/.exec(headers.get('set-cookie') ?? '')?.[1] ?? '';
      expect(Math.abs(Date.parse(expires) - clock.now().getTime() - 24 * HOUR)).toBeLessThan(MINUTE);
      offset += 9 * MINUTE;
      expect(await letsIn({ cookie })).toBe(true);
      await lastUseIsNoted();
      offset += 10 * MINUTE + 1000;
      expect(await letsIn({ cookie })).toBe(false);
    } finally {
      await strict.stop();
    }
  });

  test('costs a write a minute at most, however much it reads', async () => {
    const cookie = await signIn();
    await list({ cookie });
    await lastUseIsNoted();
    statements.length = 0;
    for (let i = 0; i < 20; i++) await list({ cookie });
    expect(statements.filter((name) => name === 'access.touch')).toEqual([]);
    expect(statements.filter((name) => name === 'credentials.list_logins')).toHaveLength(20);
  });
});

describe('the list of one’s sessions', () => {
  test('tells browsers from clients, from where each was begun, and which one asks', async () => {
    const cookie = await signIn({ 'x-forwarded-for': '192.0.2.7', 'user-agent': 'Browser/1.0' });
    offset += 1000;
    const noise = `Client\u200b\u202e/2 ${'x'.repeat(400)}`;
    const encoded = Buffer.from(noise, 'utf8').toString('latin1');
    const tokens = await login({ 'x-forwarded-for': '2001:db8::7', 'user-agent': encoded });
    await signIn({}, (await registered()).name);
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
    // A login is one, whatever tokens it has had; its beginning stays.
    offset += 1000;
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

  const registered = async () => {
    const name = `stranger-${n}`;
    await register(name);
    return { name };
  };

  test('knows the address over gRPC too', async () => {
    const transport = createGrpcTransport({ baseUrl: app.url });
    const users = createClient(UsersService, transport);
    const { tokens } = await users.login({
      identifier: { case: 'username', value: username },
      password: PASSWORD,
    });
    const { sessions = [] } = await list(bearer(tokens?.accessToken ?? ''));
    expect(sessions).toMatchObject([{ address: '127.0.0.1', current: true }]);
  });

  test('comes in pages, newest first', async () => {
    const cookies: string[] = [];
    for (let i = 0; i < 5; i++) {
      cookies.push(await signIn());
      offset += 1000;
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
    expect((await list({ cookie }, { pageToken: 'nonsense' })).code).toBe('invalid_argument');
  });

  test('ends one of them at once, on every server, and none of anybody else’s', async () => {
    const mine = await signIn();
    const lost = await signIn();
    const stranger = await registered();
    const theirs = await signIn({}, stranger.name);
    const idOf = async (cookie: string) =>
      (await list({ cookie })).sessions?.find(({ current }) => current)?.sessionId ?? '';
    const [lostId, theirId] = [await idOf(lost), await idOf(theirs)];
    const end = (sessionId: string, cookie = mine) =>
      post(app, 'SessionService/EndSession', { sessionId }, asBrowser(cookie));
    const refused = await end(theirId);
    expect(refused.body).toMatchObject({ code: 'not_found', message: `session ${theirId} not found` });
    expect(await letsIn({ cookie: theirs })).toBe(true);
    expect((await end(lostId)).status).toBe(200);
    expect(await letsIn({ cookie: lost })).toBe(false);
    expect((await end(lostId)).body.code).toBe('not_found');
    expect(await letsIn({ cookie: mine })).toBe(true);
    // One's own: the cookie goes with it.
    const out = await end(await idOf(mine));
    expect(out.headers.get('set-cookie')).toMatch(/^forage_session=; .*Max-Age=0/);
    expect(await letsIn({ cookie: mine })).toBe(false);
    expect((await end('not-a-uuid', theirs)).body.code).toBe('invalid_argument');
  });

  test('ends a login with all of its tokens', async () => {
    const cookie = await signIn();
    const tokens = await login();
    const { sessions = [] } = await list({ cookie });
    const client = sessions.find(({ kind }) => kind === 'SESSION_KIND_CLIENT');
    await post(app, 'SessionService/EndSession', { sessionId: client?.sessionId }, asBrowser(cookie));
    expect(await letsIn(bearer(tokens.accessToken))).toBe(false);
    const refresh = { refreshToken: tokens.refreshToken };
    expect((await post(other, 'UsersService/RefreshToken', refresh)).body.code).toBe('unauthenticated');
  });
});

describe('signing out everywhere', () => {
  test('ends all sessions and logins of one user, or all but this; access tokens stay', async () => {
    const here = await signIn();
    const there = await signIn();
    const { accessToken } = await login();
    const { userId } = (await post(app, 'UsersService/TokenInfo', {}, { cookie: here })).body as {
      userId?: string;
    };
    const made = await post(
      app,
      'UsersService/CreatePersonalAccessToken',
      { userId, name: 'ci', scopes: ['read'] },
      asBrowser(here),
    );
    const { rawToken = '' } = made.body as { rawToken?: string };
    const everywhere = (keepThis: boolean) =>
      post(other, 'SessionService/SignOutEverywhere', { keepThis }, asBrowser(here));

    expect((await everywhere(true)).cookie).toBe('');
    expect(await Promise.all([here, there].map((cookie) => letsIn({ cookie })))).toEqual([true, false]);
    expect(await letsIn(bearer(accessToken))).toBe(false);
    expect(await letsIn(bearer(rawToken))).toBe(true);
    const second = await signIn();
    const out = await everywhere(false);
    expect(out.headers.get('set-cookie')).toMatch(/^forage_session=; .*Max-Age=0/);
    expect(await Promise.all([here, second].map((cookie) => letsIn({ cookie })))).toEqual([false, false]);
    expect(await letsIn(bearer(rawToken))).toBe(true);
  });

  test('leaves no tokens behind that are being made at the same moment', async () => {
    for (let i = 0; i < 8; i++) {
      const here = await signIn();
      const { refreshToken } = await login();
      await Promise.all([
        post(app, 'UsersService/RefreshToken', { refreshToken }),
        post(other, 'SessionService/SignOutEverywhere', {}, asBrowser(here)),
      ]);
      const live = await app.context.db.pool.query(
        'select kind from credentials where revoked_at is null and expires_at > $1',
        [clock.now()],
      );
      expect(live.rows).toEqual([]);
    }
  });

  test('is heard by what waited behind it: a session that has ended makes no access token, and ends none', async () => {
    const copy = asBrowser(await signIn());
    const { userId = '' } = (await post(app, 'UsersService/TokenInfo', {}, copy)).body as { userId?: string };
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
      expect(await letsIn(owner)).toBe(true);
    }
    const { rows } = await app.context.db.pool.query(
      `select 1 from credentials where user_id = $1 and kind = 'personal'`,
      [userId],
    );
    expect(rows).toEqual([]);
  });
});

test('changing the password gives the session a new cookie; copies of the old one are worth nothing', async () => {
  const cookie = await signIn();
  const copy = asBrowser(cookie);
  const { sessions: before } = await list({ cookie });
  const { userId } = (await post(app, 'UsersService/TokenInfo', {}, { cookie })).body as { userId?: string };
  const change = (newPassword: string, headers: Record<string, string>) =>
    post(app, 'UsersService/ChangePassword', { userId, currentPassword: PASSWORD, newPassword }, headers);
  for (const easy of ['administrator', `${username}-${username}`, PASSWORD, 'short']) {
    const { body } = await change(easy, copy);
    expect(body.code).toBe('invalid_argument');
    expect(body.message).toContain('new_password');
  }
  expect(await letsIn({ cookie })).toBe(true);
  const changed = await change('another long password', copy);
  expect(changed.status).toBe(200);
  expect(changed.cookie).toMatch(/^forage_session=forage_s_/);
  const fresh = asBrowser(changed.cookie);
  expect(changed.body.csrfToken).toBe(fresh['x-csrf-token']);
  expect(await letsIn({ cookie })).toBe(false);
  expect(await letsIn(fresh)).toBe(true);
  const mixed = { cookie: changed.cookie, 'x-csrf-token': copy['x-csrf-token'] };
  expect((await post(app, 'SessionService/SignOut', {}, mixed)).body.code).toBe('permission_denied');
  // It is the same session, and no longer one.
  const { sessions: after } = await list(fresh);
  expect(after?.map(({ sessionId, begunAt }) => [sessionId, begunAt])).toEqual(
    before?.map(({ sessionId, begunAt }) => [sessionId, begunAt]),
  );
  expect(Date.parse(after?.[0]?.expiresAt ?? '')).toBeGreaterThan(0);
});
