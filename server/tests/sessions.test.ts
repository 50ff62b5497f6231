import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { csrfToken } from '#server/features/credentials/secret.ts';
import { ensureSetUpToken } from '#server/features/sessions/service.ts';
import { asBrowser, post } from './browser.ts';
import { testClock } from './clock.ts';
import { startTestApp, type TestApp } from './harness.ts';
import { PASSWORD } from './world.ts';

const NOW = new Date('2027-01-02T03:04:05.000Z');

const register = (app: TestApp, username: string) =>
  post(app, 'UsersService/Register', { username, email: `${username}@example.com`, password: PASSWORD });
const getSession = (app: TestApp, cookie: string) => post(app, 'SessionService/GetSession', {}, { cookie });

describe('a browser', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp({ clock: testClock(NOW) });
    await register(app, 'reviewer');
  });
  afterAll(() => app.stop());

  const signIn = (identifier = 'reviewer', password = PASSWORD, headers = {}) =>
    post(app, 'SessionService/SignIn', { identifier, password }, headers);

  test.each(['reviewer', 'REVIEWER', 'Reviewer@Example.com', ' reviewer '])(
    'signs in as "%s" and gets a cookie that scripts cannot read',
    async (identifier) => {
      const { body, headers } = await signIn(identifier);
      const expiresAt = new Date(NOW.getTime() + 14 * 86_400_000).toISOString();
      expect(body.session).toMatchObject({ user: { username: 'reviewer' }, expiresAt });
      const setCookie = headers.get('set-cookie');
      expect(setCookie).toMatch(/^forage_session=forage_s_[\w-]{43}; /);
      for (const attribute of ['HttpOnly', 'Path=/', 'SameSite=Lax']) expect(setCookie).toContain(attribute);
      expect(setCookie).not.toContain('Secure');
    },
  );

  test('reads its session, whose CSRF token permits changes, and no other', async () => {
    const { body: signedIn, cookie } = await signIn();
    const { body } = await getSession(app, cookie);
    expect(body).toEqual({ session: signedIn.session, registrationOpen: true });
    expect(body.session).toMatchObject({
      user: { emails: [{ email: 'reviewer@example.com' }] },
      csrfToken: csrfToken(cookie.split('=')[1] ?? ''),
    });
    const create = (headers: Record<string, string>) =>
      post(app, 'OrganisationService/CreateOrganisation', { name: 'browsers' }, headers);
    const other = asBrowser((await signIn()).cookie);
    for (const headers of [{ cookie }, { ...other, cookie }])
      expect((await create(headers)).body.code).toBe('permission_denied');
    const created = await create({ cookie, 'x-csrf-token': body.session?.csrfToken ?? '' });
    const { organisationId } = created.body as { organisationId?: string };
    expect((await getSession(app, cookie)).body.session).toMatchObject({
      memberships: [{ organisationId, organisation: 'browsers', role: 'admin' }],
    });
  });

  test.each(['', 'forage_session=forage_s_made-up', 'forage_session=%00%ff'])(
    'reads that there is no session with the cookie "%s"',
    async (cookie) => {
      expect(await getSession(app, cookie)).toMatchObject({ status: 200, body: { registrationOpen: true } });
      expect((await getSession(app, cookie)).body.session).toBeUndefined();
    },
  );

  test('can sign out more than once', async () => {
    const headers = asBrowser((await signIn()).cookie);
    const signOut = (as = {}) => post(app, 'SessionService/SignOut', {}, as);
    const out = await signOut(headers);
    expect(out.status).toBe(200);
    expect(out.headers.get('set-cookie')).toMatch(/^forage_session=; .*Max-Age=0/);
    expect((await getSession(app, headers.cookie)).body.session).toBeUndefined();
    expect((await post(app, 'UsersService/TokenInfo', {}, headers)).body.code).toBe('unauthenticated');
    expect([(await signOut(headers)).status, (await signOut()).status]).toEqual([200, 200]);
  });

  test('ends its earlier session when it signs in again', async () => {
    const { cookie: first } = await signIn();
    const { cookie: second } = await signIn('reviewer', PASSWORD, { cookie: first });
    expect((await getSession(app, first)).body.session).toBeUndefined();
    expect((await getSession(app, second)).body.session?.user.username).toBe('reviewer');
  });

  test('cannot set up a server that has users', async () => {
    const input = { organisation: 'late', username: 'late', email: 'late@example.com', password: PASSWORD };
    const answer = await post(app, 'SessionService/SetUp', { token: 'forage_u_whatever', ...input });
    expect(answer.body.code).toBe('failed_precondition');
    expect(await ensureSetUpToken(app.context)).toBeNull();
  });
});

test('behind an https address the cookie is Secure and bound to the host', async () => {
  const config = { registration: 'open', publicUrl: 'https://forage.example.com' } as const;
  const app = await startTestApp({ config });
  try {
    await register(app, 'reviewer');
    const body = { identifier: 'reviewer', password: PASSWORD };
    const { cookie, headers } = await post(app, 'SessionService/SignIn', body);
    expect(headers.get('set-cookie')).toMatch(/^__Host-forage_session=forage_s_.*; Secure/);
    expect((await getSession(app, cookie)).body.session?.user.username).toBe('reviewer');
    // Another host of the same domain could have set this one.
    expect((await getSession(app, cookie.replace('__Host-', ''))).body.session).toBeUndefined();
  } finally {
    await app.stop();
  }
});

test('an empty server is set up once, with the newest token, also when several try at once', async () => {
  const app = await startTestApp({ config: { registration: 'closed' } });
  try {
    const setUp = (token: string, username: string) =>
      post(app, 'SessionService/SetUp', {
        token,
        organisation: `org-of-${username}`,
        username,
        email: `${username}@example.com`,
        password: PASSWORD,
      });
    expect((await getSession(app, '')).body).toEqual({ setUpRequired: true });

    const stale = (await ensureSetUpToken(app.context)) ?? '';
    const token = (await ensureSetUpToken(app.context)) ?? '';
    expect(token).toMatch(/^forage_u_[\w-]{43}$/);
    const check = async (setUpToken: string) =>
      (await post(app, 'SessionService/GetSession', { setUpToken })).body;
    for (const wrong of [stale, 'forage_u_guessed']) {
      expect(await check(wrong)).toEqual({ setUpRequired: true });
      expect((await setUp(wrong, 'admin')).body.code).toBe('permission_denied');
    }
    expect(await check(token)).toEqual({ setUpRequired: true, setUpTokenValid: true });
    const bearer = { authorization: `Bearer ${token}` };
    expect((await post(app, 'UsersService/TokenInfo', {}, bearer)).body.code).toBe('unauthenticated');
    // Invalid input does not use the token up.
    expect((await setUp(token, 'not a username')).body.code).toBe('invalid_argument');

    const rivals = ['admin', 'rival', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh'];
    const answers = await Promise.all(rivals.map((name) => setUp(token, name)));
    const won = answers.find(({ status }) => status === 200);
    expect(answers.filter((answer) => answer !== won).map(({ body }) => body.code)).toEqual(
      rivals.slice(1).map(() => 'failed_precondition'),
    );
    expect(won?.body.session).toMatchObject({ memberships: [{ role: 'admin' }] });
    expect((await getSession(app, won?.cookie ?? '')).body.session).toEqual(won?.body.session);

    expect((await setUp(token, 'again')).body.code).toBe('failed_precondition');
    expect(await check(token)).toEqual({});
    const { pool } = app.context.db;
    expect((await pool.query('select username from users')).rows).toHaveLength(1);
    const actor_username = won?.body.session?.user.username;
    const history = await pool.query('select kind, actor_username from history order by id');
    expect(history.rows).toEqual([
      { kind: 'organisation.created', actor_username },
      { kind: 'account.signed_in', actor_username },
    ]);
  } finally {
    await app.stop();
  }
});
