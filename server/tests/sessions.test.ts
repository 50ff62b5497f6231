import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { csrfToken } from '#server/features/credentials/secret.ts';
import { ensureSetUpToken } from '#server/features/sessions/service.ts';
import { startTestApp, type TestApp } from './harness.ts';

const PASSWORD = 'a long enough password';

/** What the tests read of an answer's JSON; each answer holds some of it. */
interface Body {
  code: string;
  organisationId: string;
  registrationOpen: boolean;
  setUpRequired: boolean;
  session: {
    user: { username: string; emails: object[] };
    memberships: object[];
    csrfToken: string;
    expiresAt: string;
  };
}

interface Answer {
  status: number;
  body: Body;
  setCookie: string | null;
}

/** Calls as a browser or `curl` would: JSON over HTTP, with nothing generated in between. */
async function call(
  app: TestApp,
  method: string,
  body: object,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${app.url}/forest.v1.${method}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return {
    status: response.status,
    body: (await response.json()) as Body,
    setCookie: response.headers.get('set-cookie'),
  };
}

const cookieOf = (answer: Answer): string => answer.setCookie?.split(';')[0] ?? '';
const register = (app: TestApp, username: string) =>
  call(app, 'UsersService/Register', { username, email: `${username}@example.com`, password: PASSWORD });

describe('a browser', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp({ config: { registration: 'open' } });
    await register(app, 'reviewer');
  });
  afterAll(() => app.stop());

  const signIn = (identifier: string, password = PASSWORD) =>
    call(app, 'SessionService/SignIn', { identifier, password });

  test('signs in by username or email and gets a cookie that scripts cannot read', async () => {
    for (const identifier of ['reviewer', 'REVIEWER', 'Reviewer@Example.com', ' reviewer ']) {
      const answer = await signIn(identifier);
      expect(answer.status).toBe(200);
      expect(answer.body.session.user.username).toBe('reviewer');
      expect(answer.setCookie).toMatch(/^forage_session=forage_s_[\w-]{43}; /);
      for (const attribute of ['HttpOnly', 'Path=/', 'SameSite=Lax']) {
        expect(answer.setCookie).toContain(attribute);
      }
      expect(answer.setCookie).not.toContain('Secure');
      const days = (Date.parse(answer.body.session.expiresAt) - Date.now()) / 86_400_000;
      expect(days).toBeGreaterThan(13.9);
      expect(days).toBeLessThan(14.1);
    }
  });

  test('learns nothing from a failed sign-in', async () => {
    const wrong = await signIn('reviewer', 'not the password at all');
    const unknown = await signIn('nobody-here');
    const nonsense = await signIn('re\u0000viewer');
    for (const answer of [wrong, unknown]) {
      expect(answer.status).toBe(401);
      expect(answer.body.code).toBe('unauthenticated');
      expect(answer.setCookie).toBeNull();
    }
    // Each names its own request; that apart they are the same.
    expect({ ...wrong.body, details: [] }).toEqual({ ...unknown.body, details: [] });
    expect(nonsense.status).toBeLessThan(500);
    expect((await signIn('', '')).body.code).toBe('invalid_argument');
  });

  test('is told who is signed in, by which it can call on', async () => {
    const signedIn = await signIn('reviewer');
    const cookie = cookieOf(signedIn);
    const { body } = await call(app, 'SessionService/GetSession', {}, { cookie });
    expect(body.session).toEqual(signedIn.body.session);
    expect(body.session.user.emails).toEqual([{ email: 'reviewer@example.com' }]);
    expect(body.session.csrfToken).toBe(csrfToken(cookie.split('=')[1] ?? ''));
    expect(body.registrationOpen).toBe(true);
    expect(body.setUpRequired).toBeUndefined();

    const made = await call(
      app,
      'OrganisationService/CreateOrganisation',
      { name: 'browsers' },
      { cookie, 'x-csrf-token': body.session.csrfToken },
    );
    expect(made.status).toBe(200);
    const after = await call(app, 'SessionService/GetSession', {}, { cookie });
    expect(after.body.session.memberships).toEqual([
      { organisationId: made.body.organisationId, organisation: 'browsers', role: 'admin' },
    ]);
  });

  test('is not taken for its user when another site makes it call', async () => {
    const cookie = cookieOf(await signIn('reviewer'));
    const forged = await call(app, 'OrganisationService/CreateOrganisation', { name: 'forged' }, { cookie });
    expect(forged.body.code).toBe('permission_denied');
    const stranger = await signIn('reviewer');
    const swapped = await call(
      app,
      'OrganisationService/CreateOrganisation',
      { name: 'forged' },
      { cookie, 'x-csrf-token': stranger.body.session.csrfToken },
    );
    expect(swapped.body.code).toBe('permission_denied');
  });

  test('without a session, or with one that is none, is told so and not refused', async () => {
    for (const cookie of ['', 'forage_session=forage_s_made-up', 'forage_session=%00%ff']) {
      const { status, body } = await call(app, 'SessionService/GetSession', {}, { cookie });
      expect(status).toBe(200);
      expect(body).toEqual({ registrationOpen: true });
    }
  });

  test('that signs out has no session any more, and may do so again', async () => {
    const signedIn = await signIn('reviewer');
    const headers = { cookie: cookieOf(signedIn), 'x-csrf-token': signedIn.body.session.csrfToken };
    const out = await call(app, 'SessionService/SignOut', {}, headers);
    expect(out.status).toBe(200);
    expect(out.setCookie).toMatch(/^forage_session=; .*Max-Age=0/);
    const { body } = await call(app, 'SessionService/GetSession', {}, headers);
    expect(body.session).toBeUndefined();
    expect((await call(app, 'UsersService/TokenInfo', {}, headers)).body.code).toBe('unauthenticated');
    expect((await call(app, 'SessionService/SignOut', {}, headers)).status).toBe(200);
    expect((await call(app, 'SessionService/SignOut', {})).status).toBe(200);
  });

  test('that signs in again ends the session that its cookie held', async () => {
    const first = cookieOf(await signIn('reviewer'));
    const again = await call(
      app,
      'SessionService/SignIn',
      { identifier: 'reviewer', password: PASSWORD },
      { cookie: first },
    );
    const old = await call(app, 'SessionService/GetSession', {}, { cookie: first });
    const fresh = await call(app, 'SessionService/GetSession', {}, { cookie: cookieOf(again) });
    expect(old.body.session).toBeUndefined();
    expect(fresh.body.session.user.username).toBe('reviewer');
  });

  test('has a session that ends after 14 days, used or not', async () => {
    const cookie = cookieOf(await signIn('reviewer'));
    await app.context.db.pool.query(
      `update credentials set expires_at = now() - interval '1 second' where kind = 'session' and revoked_at is null`,
    );
    const { body } = await call(app, 'SessionService/GetSession', {}, { cookie });
    expect(body.session).toBeUndefined();
  });

  test('cannot set up a server that has users', async () => {
    const answer = await call(app, 'SessionService/SetUp', {
      token: 'forage_u_whatever',
      organisation: 'late',
      username: 'late',
      email: 'late@example.com',
      password: PASSWORD,
    });
    expect(answer.body.code).toBe('failed_precondition');
    expect(await ensureSetUpToken(app.context)).toBeNull();
  });
});

test('behind an https address the cookie is Secure', async () => {
  const app = await startTestApp({
    config: { registration: 'open', publicUrl: 'https://forage.example.com' },
  });
  try {
    await register(app, 'reviewer');
    const body = { identifier: 'reviewer', password: PASSWORD };
    const answer = await call(app, 'SessionService/SignIn', body);
    expect(answer.setCookie).toMatch(/^__Host-forage_session=forage_s_.*; Secure/);
    const cookie = cookieOf(answer);
    const known = await call(app, 'SessionService/GetSession', {}, { cookie });
    expect(known.body.session.user.username).toBe('reviewer');
    // What another host below the same domain could have set is not read.
    const planted = { cookie: cookie.replace('__Host-', '') };
    expect((await call(app, 'SessionService/GetSession', {}, planted)).body.session).toBeUndefined();
  } finally {
    await app.stop();
  }
});

describe('an empty server', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp({ config: { registration: 'closed' } });
  });
  afterAll(() => app.stop());

  const setUp = (token: string, username: string) =>
    call(app, 'SessionService/SetUp', {
      token,
      organisation: `org-of-${username}`,
      username,
      email: `${username}@example.com`,
      password: PASSWORD,
    });

  test('is set up once, by whoever holds the newest token, also when many try at once', async () => {
    const empty = await call(app, 'SessionService/GetSession', {});
    expect(empty.body).toEqual({ setUpRequired: true });

    const stale = await ensureSetUpToken(app.context);
    const token = await ensureSetUpToken(app.context);
    expect(token).toMatch(/^forage_u_[\w-]{43}$/);
    expect((await setUp(stale ?? '', 'admin')).body.code).toBe('permission_denied');
    expect((await setUp('forage_u_guessed', 'admin')).body.code).toBe('permission_denied');
    // A token for the set-up signs nobody in.
    const asBearer = { authorization: `Bearer ${token}` };
    expect((await call(app, 'UsersService/TokenInfo', {}, asBearer)).body.code).toBe('unauthenticated');
    // Bad input does not spend it.
    expect((await setUp(token ?? '', 'not a username')).body.code).toBe('invalid_argument');

    const rivals = ['admin', 'rival', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh'];
    const answers = await Promise.all(rivals.map((name) => setUp(token ?? '', name)));
    const won = answers.find((a) => a.status === 200);
    expect(answers.filter((a) => a !== won).map((a) => a.body.code)).toEqual(
      rivals.slice(1).map(() => 'failed_precondition'),
    );
    expect(won?.body.session.memberships).toMatchObject([{ role: 'admin' }]);
    const cookie = won === undefined ? '' : cookieOf(won);
    const { body } = await call(app, 'SessionService/GetSession', {}, { cookie });
    expect(body.session).toEqual(won?.body.session);

    expect((await setUp(token ?? '', 'again')).body.code).toBe('failed_precondition');
    const users = await app.context.db.pool.query('select username from users');
    expect(users.rows).toHaveLength(1);
    const history = await app.context.db.pool.query('select kind, actor_username from history order by id');
    expect(history.rows).toEqual([
      { kind: 'organisation.created', actor_username: won?.body.session.user.username },
      { kind: 'account.signed_in', actor_username: won?.body.session.user.username },
    ]);
  });
});
