import { setTimeout as sleep } from 'node:timers/promises';
import { Code, ConnectError } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OrganisationService } from '#server/gen/forest/v1/organisations_pb.ts';
import { SessionService } from '#server/gen/forest/v1/sessions_pb.ts';
import { UsersService } from '#server/gen/forest/v1/users_pb.ts';
import { startTestApp, type TestApp } from './harness.ts';

const PASSWORD = 'a long enough password';

/** What the tests read of an answer's JSON; each answer holds some of it. */
interface Body {
  code: string;
  user: { userId: string };
  tokens: { accessToken: string; refreshToken: string; expiresInSeconds: string };
}

/** The code and words that a call is refused with. */
async function refusal(call: Promise<unknown>): Promise<{ code: Code; words: string }> {
  try {
    await call;
  } catch (error) {
    const { code, rawMessage } = ConnectError.from(error);
    return { code, words: rawMessage };
  }
  throw new Error('the call was not refused');
}
const codeOf = async (call: Promise<unknown>) => (await refusal(call)).code;

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ config: { registration: 'open' } });
});
afterAll(() => app.stop());

const users = (token?: string) => app.client(UsersService, { token });
const organisations = (token: string) => app.client(OrganisationService, { token });

let made = 0;
/** A registered user of a name nobody else has. */
async function person(name = 'person') {
  const username = `${name}-${++made}`;
  const answer = await users().register({ username, email: `${username}@example.com`, password: PASSWORD });
  return {
    username,
    userId: answer.user?.userId ?? '',
    token: answer.tokens?.accessToken ?? '',
    refreshToken: answer.tokens?.refreshToken ?? '',
    answer,
  };
}

/** An organisation with an admin and the others as members. */
async function organisationOf(admin: { token: string }, ...members: { userId: string }[]) {
  const { organisationId } = await organisations(admin.token).createOrganisation({ name: `org-${++made}` });
  for (const { userId } of members) {
    await organisations(admin.token).addMember({ organisationId, userId, role: 'member' });
  }
  return organisationId;
}

describe('registering and logging in', () => {
  test('over plain JSON: register, log in, call with the token', async () => {
    const post = async (method: string, body: object, token?: string) => {
      const response = await fetch(`${app.url}/forest.v1.UsersService/${method}`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        body: JSON.stringify(body),
      });
      return { status: response.status, body: (await response.json()) as Body };
    };
    const account = { username: 'by-curl', email: 'by-curl@example.com', password: PASSWORD };
    const registered = await post('Register', account);
    expect(registered.status).toBe(200);
    expect(registered.body.user).toMatchObject({ username: 'by-curl', emails: [{ email: account.email }] });
    const login = await post('Login', { username: 'by-curl', password: PASSWORD });
    expect(login.status).toBe(200);
    const { accessToken, refreshToken, expiresInSeconds } = login.body.tokens;
    expect(accessToken).toMatch(/^forage_a_[\w-]{43}$/);
    expect(refreshToken).toMatch(/^forage_r_[\w-]{43}$/);
    // The absolute Unix time, an hour from now: existing clients read it so.
    expect(Math.abs(Number(expiresInSeconds) - (Date.now() / 1000 + 3600))).toBeLessThan(60);
    const info = await post('TokenInfo', {}, accessToken);
    expect(info.body).toEqual({ userId: registered.body.user.userId, expiresAt: expiresInSeconds });
    expect((await post('TokenInfo', {})).status).toBe(401);
    expect((await post('TokenInfo', {}, refreshToken)).body.code).toBe('unauthenticated');
  });

  test('a username or address that is taken in any case is refused by name', async () => {
    const { username } = await person();
    const again = (name: string, email: string) =>
      refusal(users().register({ username: name, email, password: PASSWORD }));
    const sameName = await again(username.toUpperCase(), 'other-address@example.com');
    expect(sameName).toEqual({
      code: Code.AlreadyExists,
      words: `the username "${username.toUpperCase()}" is taken`,
    });
    const sameEmail = await again(`${username}-2`, `${username.toUpperCase()}@example.com`);
    expect(sameEmail.code).toBe(Code.AlreadyExists);
    expect(sameEmail.words).toContain('email');
  });

  test.each(['forage', 'Forage', 'FORAGE'])(
    'the server’s own name in the record is taken: %s',
    async (name) => {
      const refused = refusal(
        users().register({ username: name, email: 'x@example.com', password: PASSWORD }),
      );
      expect(await refused).toEqual({ code: Code.AlreadyExists, words: `the username "${name}" is taken` });
    },
  );

  test('of two registrations of one name at once, one is refused and leaves nothing', async () => {
    const attempts = await Promise.allSettled(
      ['a', 'b'].map((x) =>
        users().register({ username: 'at-once', email: `at-once-${x}@example.com`, password: PASSWORD }),
      ),
    );
    expect(attempts.map((a) => a.status).sort()).toEqual(['fulfilled', 'rejected']);
    const rows = await app.context.db.pool.query(`select 1 from users where username = 'at-once'`);
    expect(rows.rowCount).toBe(1);
  });

  test.each([
    ['a short password', { username: 'ok-name', email: 'ok@example.com', password: 'elevenchars' }],
    ['a name with an @', { username: 'a@b', email: 'ok@example.com', password: PASSWORD }],
    ['no address at all', { username: 'ok-name', email: 'nonsense', password: PASSWORD }],
  ])('%s is an invalid argument', async (_, request) => {
    expect(await codeOf(users().register(request))).toBe(Code.InvalidArgument);
  });

  test('where registration is closed, an admin makes users, and nobody else does', async () => {
    const closed = await startTestApp({ config: { registration: 'closed' } });
    const register = (username: string, token?: string) =>
      closed
        .client(UsersService, { token })
        .register({ username, email: `${username}@example.com`, password: PASSWORD });
    const login = async (value: string) =>
      (
        await closed
          .client(UsersService, {})
          .login({ identifier: { case: 'username', value }, password: PASSWORD })
      ).tokens?.accessToken;
    try {
      const refused = { code: Code.PermissionDenied, words: expect.stringContaining('ask an admin') };
      expect(await refusal(register('somebody'))).toEqual(refused);
      await closed.client(SessionService, {}).setUp({
        token: closed.setUpToken ?? '',
        organisation: 'acme',
        username: 'admin',
        email: 'admin@example.com',
        password: PASSWORD,
      });
      const made = await register('member', await login('admin'));
      expect(made.user?.username).toBe('member');
      expect(made.tokens).toBeUndefined();
      const member = await login('member');
      expect(await refusal(register('another', member))).toEqual(refused);
      // Nor does anybody become an admin by making an organisation of their own.
      const own = closed.client(OrganisationService, { token: member }).createOrganisation({ name: 'own' });
      expect(await refusal(own)).toMatchObject({ code: Code.PermissionDenied });
    } finally {
      await closed.stop();
    }
  });

  test('login works by username or email in any case and tells nothing about failures', async () => {
    const { username, userId } = await person();
    const login = (identifier: { case: 'username' | 'email'; value: string }, password = PASSWORD) =>
      users().login({ identifier, password });
    for (const identifier of [
      { case: 'username', value: username.toUpperCase() },
      { case: 'email', value: `${username}@EXAMPLE.com` },
    ] as const) {
      const answer = await login(identifier);
      expect(answer.user?.userId).toBe(userId);
      expect(answer.mfaRequired).toBe(false);
    }
    const failures = await Promise.all([
      refusal(login({ case: 'username', value: username }, 'wrong password')),
      refusal(login({ case: 'username', value: 'nobody-at-all' })),
      refusal(login({ case: 'email', value: 'nobody@example.com' })),
      // An address is no username.
      refusal(login({ case: 'username', value: `${username}@example.com` })),
    ]);
    expect(new Set(failures.map((f) => f.words)).size).toBe(1);
    for (const { code } of failures) expect(code).toBe(Code.Unauthenticated);
    expect(await codeOf(users().login({ password: PASSWORD }))).toBe(Code.InvalidArgument);
  });

  test('no secret and no password stands in the database', async () => {
    const { token, refreshToken } = await person();
    const { rows } = await app.context.db.pool.query<{ row: string }>(
      'select c::text as row from credentials c union all select u::text from users u',
    );
    expect(rows.length).toBeGreaterThan(2);
    for (const { row } of rows) {
      for (const secret of [token, refreshToken, PASSWORD]) expect(row).not.toContain(secret);
    }
  });
});

describe('refreshing and logging out', () => {
  test('a refresh token gives a new pair once', async () => {
    const { refreshToken, userId } = await person();
    const { tokens } = await users().refreshToken({ refreshToken });
    expect(tokens?.refreshToken).not.toBe(refreshToken);
    expect((await users(tokens?.accessToken).tokenInfo({})).userId).toBe(userId);
    const again = await users().refreshToken({ refreshToken: tokens?.refreshToken });
    expect(again.tokens?.accessToken).toMatch(/^forage_a_/);
  });

  test('a spent refresh token ends the whole login, for the thief and for the owner', async () => {
    const { refreshToken, token, username } = await person();
    const other = await users().login({
      identifier: { case: 'username', value: username },
      password: PASSWORD,
    });
    const { tokens } = await users().refreshToken({ refreshToken });
    expect(await codeOf(users().refreshToken({ refreshToken }))).toBe(Code.Unauthenticated);
    expect(await codeOf(users().refreshToken({ refreshToken: tokens?.refreshToken }))).toBe(
      Code.Unauthenticated,
    );
    for (const ended of [token, tokens?.accessToken]) {
      expect(await codeOf(users(ended).tokenInfo({}))).toBe(Code.Unauthenticated);
    }
    // Another login of the same user goes on.
    await users(other.tokens?.accessToken).tokenInfo({});
  });

  test('of two uses at once at most one gets tokens', async () => {
    const { refreshToken } = await person();
    const both = await Promise.allSettled([1, 2].map(() => users().refreshToken({ refreshToken })));
    expect(both.map((b) => b.status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  test('unknown tokens, access tokens and tokens that have run out refresh nothing', async () => {
    const { token, refreshToken, userId } = await person();
    for (const wrong of ['forage_r_unknown', token, 'x']) {
      expect(await codeOf(users().refreshToken({ refreshToken: wrong }))).toBe(Code.Unauthenticated);
    }
    await app.context.db.pool.query(
      "update credentials set expires_at = now() - interval '1 second' where user_id = $1",
      [userId],
    );
    expect(await codeOf(users().refreshToken({ refreshToken }))).toBe(Code.Unauthenticated);
    expect(await codeOf(users(token).tokenInfo({}))).toBe(Code.Unauthenticated);
  });

  test('what has run out is forgotten at the next login', async () => {
    const { userId, username } = await person();
    await app.context.db.pool.query(
      "update credentials set expires_at = now() - interval '1 second' where user_id = $1",
      [userId],
    );
    await users().login({ identifier: { case: 'username', value: username }, password: PASSWORD });
    const { rows } = await app.context.db.pool.query(
      'select kind from credentials where user_id = $1 order by kind',
      [userId],
    );
    expect(rows).toEqual([{ kind: 'access' }, { kind: 'refresh' }]);
  });

  test('logging out ends access and refresh tokens of that login, and is harmless otherwise', async () => {
    const { token, refreshToken } = await person();
    await users().logout({ refreshToken });
    expect(await codeOf(users(token).tokenInfo({}))).toBe(Code.Unauthenticated);
    expect(await codeOf(users().refreshToken({ refreshToken }))).toBe(Code.Unauthenticated);
    await users().logout({ refreshToken });
    await users().logout({ refreshToken: 'forage_r_unknown' });
  });
});

describe('who sees whom', () => {
  test('oneself and co-members are seen; strangers do not exist; admins find anybody by exact name', async () => {
    const [admin, member, colleague, stranger] = [
      await person('admin'),
      await person('member'),
      await person('colleague'),
      await person('stranger'),
    ];
    await organisationOf(admin, member, colleague);
    const see = async (viewer: { token: string }, username: string) =>
      (await users(viewer.token).getUser({ identifier: { case: 'username', value: username } })).user;
    const addresses = async (viewer: { token: string }, username: string) =>
      (await see(viewer, username))?.emails.map((e) => e.email);

    expect(await addresses(member, member.username)).toEqual([`${member.username}@example.com`]);
    // The address is for oneself and for admins of one's organisations.
    expect(await addresses(member, colleague.username.toUpperCase())).toEqual([]);
    expect(await addresses(admin, member.username)).toEqual([`${member.username}@example.com`]);
    expect(await addresses(admin, stranger.username)).toEqual([]);

    const unknown = await refusal(see(member, 'nobody-at-all'));
    expect(unknown).toEqual({ code: Code.NotFound, words: 'user "nobody-at-all" not found' });
    expect(await refusal(see(member, stranger.username))).toEqual({
      code: Code.NotFound,
      words: `user "${stranger.username}" not found`,
    });
    expect(await codeOf(see(admin, stranger.username.slice(0, -1)))).toBe(Code.NotFound);

    const found = await users(admin.token).getUser({
      identifier: { case: 'email', value: `${stranger.username}@example.com` },
    });
    expect(found.user?.userId).toBe(stranger.userId);
    const byId = await users(member.token).getUser({ identifier: { case: 'userId', value: admin.userId } });
    expect(byId.user?.username).toBe(admin.username);
    expect(await codeOf(users(stranger.token).getUser({ identifier: { case: 'userId', value: 'x' } }))).toBe(
      Code.InvalidArgument,
    );
    expect(await codeOf(users().getUser({ identifier: { case: 'userId', value: admin.userId } }))).toBe(
      Code.Unauthenticated,
    );
  });

  test('the list holds co-members only, in pages, found by a part of the name', async () => {
    const admin = await person('lister');
    const members = [];
    for (let i = 0; i < 4; i++) members.push(await person(i % 2 === 0 ? 'Even_one' : 'odd'));
    await person('even_one-stranger');
    await organisationOf(admin, ...members);
    const all = [admin, ...members]
      .map((m) => m.username)
      .sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1));

    const seen: string[] = [];
    let pageToken = '';
    let pages = 0;
    do {
      const page = await users(admin.token).listUsers({ pageSize: 2, pageToken });
      expect(page.totalCount).toBe(5);
      seen.push(...page.users.map((u) => u.username));
      pageToken = page.nextPageToken;
      pages++;
    } while (pageToken !== '');
    expect(seen).toEqual(all);
    expect(pages).toBe(3);

    const even = await users(admin.token).listUsers({ search: 'EVEN_ONE' });
    expect(even.users).toHaveLength(2);
    expect(even.totalCount).toBe(2);
    // What was typed is text, not a pattern.
    expect((await users(admin.token).listUsers({ search: '%' })).users).toEqual([]);
    expect((await users(admin.token).listUsers({ search: 'even.one' })).users).toEqual([]);
    expect(await codeOf(users(admin.token).listUsers({ pageToken: 'nonsense' }))).toBe(Code.InvalidArgument);
  });
});

describe('changing the password', () => {
  const NEW = 'another long password';

  test('works with the current one, ends other logins and sessions, and keeps this one', async () => {
    const { token, refreshToken, userId, username } = await person();
    const identifier = { case: 'username', value: username } as const;
    const other = await users().login({ identifier, password: PASSWORD });
    const session = await app.client(SessionService, {}).signIn({ identifier: username, password: PASSWORD });
    expect(session.session?.user?.userId).toBe(userId);
    const { rawToken } = await users(token).createPersonalAccessToken({
      userId,
      name: 'ci',
      scopes: ['read'],
    });

    await users(token).changePassword({ userId, currentPassword: PASSWORD, newPassword: NEW });

    await users(token).tokenInfo({});
    await users().refreshToken({ refreshToken });
    await users(rawToken).tokenInfo({});
    expect(await codeOf(users(other.tokens?.accessToken).tokenInfo({}))).toBe(Code.Unauthenticated);
    expect(await codeOf(users().refreshToken({ refreshToken: other.tokens?.refreshToken }))).toBe(
      Code.Unauthenticated,
    );
    const live = await app.context.db.pool.query(
      `select 1 from credentials where user_id = $1 and kind = 'session' and revoked_at is null`,
      [userId],
    );
    expect(live.rowCount).toBe(0);
    expect(await codeOf(users().login({ identifier, password: PASSWORD }))).toBe(Code.Unauthenticated);
    expect((await users().login({ identifier, password: NEW })).user?.userId).toBe(userId);
  });

  test('leaves no tokens behind that were being refreshed at the same moment', async () => {
    const { refreshToken, userId } = await person();
    const change = await app.context.db.pool.connect();
    // The change as it is made: first the password, then the end of all logins that it finds.
    await change.query('begin');
    await change.query('update users set password_hash = $2 where id = $1', [userId, 'another']);
    let answered = false;
    const refresh = users()
      .refreshToken({ refreshToken })
      .finally(() => (answered = true));
    const refused = codeOf(refresh);
    await sleep(300);
    const answeredEarly = answered;
    await change.query('update credentials set revoked_at = now() where user_id = $1', [userId]);
    await change.query('commit');
    change.release();
    expect(answeredEarly).toBe(false);
    expect(await refused).toBe(Code.Unauthenticated);
  });

  test('is refused with a wrong current one, for somebody else, or with a short new one', async () => {
    const [one, two] = [await person(), await person()];
    const change = (userId: string, currentPassword: string, newPassword = NEW) =>
      refusal(users(one.token).changePassword({ userId, currentPassword, newPassword }));
    const wrong = await change(one.userId, 'wrong password');
    expect(wrong.code).toBe(Code.InvalidArgument);
    expect(wrong.words).toContain('current_password');
    expect((await change(two.userId, PASSWORD)).code).toBe(Code.PermissionDenied);
    expect((await change('01890000-0000-7000-8000-000000000000', PASSWORD)).code).toBe(Code.PermissionDenied);
    expect((await change(one.userId, PASSWORD, 'short')).code).toBe(Code.InvalidArgument);
    await users().login({ identifier: { case: 'username', value: one.username }, password: PASSWORD });
  });
});

describe('personal access tokens', () => {
  test('are shown once, listed without the secret, and end when deleted', async () => {
    const { token, userId } = await person();
    const first = await users(token).createPersonalAccessToken({
      userId,
      name: 'ci',
      scopes: ['read', 'release'],
    });
    const second = await users(token).createPersonalAccessToken({
      userId,
      name: 'for an hour',
      scopes: ['approve'],
      expiresInSeconds: 3600n,
    });
    expect(first.rawToken).toMatch(/^forage_p_[\w-]{43}[0-9A-Za-z]{6}$/);
    expect(first.token?.expiresAt).toBeUndefined();
    expect(await users(first.rawToken).tokenInfo({})).toMatchObject({ userId, expiresAt: 0n });
    const inAnHour = BigInt(Math.floor(Date.now() / 1000)) + 3600n;
    expect(Number(second.token?.expiresAt?.seconds ?? 0n) - Number(inAnHour)).toBeLessThan(60);

    const { tokens } = await users(token).listPersonalAccessTokens({ userId });
    expect(tokens.map((t) => [t.name, t.scopes])).toEqual([
      ['for an hour', ['approve']],
      ['ci', ['read', 'release']],
    ]);

    await users(token).deletePersonalAccessToken({ tokenId: first.token?.tokenId });
    expect(await codeOf(users(first.rawToken).tokenInfo({}))).toBe(Code.Unauthenticated);
    const left = await users(token).listPersonalAccessTokens({ userId });
    expect(left.tokens.map((t) => t.name)).toEqual(['for an hour']);
    expect(await codeOf(users(token).deletePersonalAccessToken({ tokenId: first.token?.tokenId }))).toBe(
      Code.NotFound,
    );
  });

  test('belong to their user alone', async () => {
    const [one, two] = [await person(), await person()];
    const mine = await users(one.token).createPersonalAccessToken({
      userId: one.userId,
      name: 'mine',
      scopes: ['read'],
    });
    const theirs = users(two.token);
    expect(await codeOf(theirs.deletePersonalAccessToken({ tokenId: mine.token?.tokenId }))).toBe(
      Code.NotFound,
    );
    expect(await codeOf(theirs.listPersonalAccessTokens({ userId: one.userId }))).toBe(Code.PermissionDenied);
    expect(
      await codeOf(theirs.createPersonalAccessToken({ userId: one.userId, name: 'x', scopes: ['admin'] })),
    ).toBe(Code.PermissionDenied);
    await users(mine.rawToken).tokenInfo({});
  });

  test('cannot make others, not even with all scopes, and end when their time is over', async () => {
    const { token, userId } = await person();
    const all = await users(token).createPersonalAccessToken({
      userId,
      name: 'all',
      scopes: ['admin'],
      expiresInSeconds: 60n,
    });
    const more = users(all.rawToken).createPersonalAccessToken({
      userId,
      name: 'for ever',
      scopes: ['admin'],
    });
    expect(await codeOf(more)).toBe(Code.PermissionDenied);
    await app.context.db.pool.query(
      "update credentials set expires_at = now() - interval '1 second' where id = $1",
      [all.token?.tokenId],
    );
    expect(await codeOf(users(all.rawToken).tokenInfo({}))).toBe(Code.Unauthenticated);
  });

  test.each([
    ['no scope', { name: 'x', scopes: [] }],
    ['an unknown scope', { name: 'x', scopes: ['everything'] }],
    ['no name', { name: '', scopes: ['read'] }],
    ['a negative time', { name: 'x', scopes: ['read'], expiresInSeconds: -1n }],
  ])('with %s are refused', async (_, request) => {
    const { token, userId } = await person();
    expect(await codeOf(users(token).createPersonalAccessToken({ userId, ...request }))).toBe(
      Code.InvalidArgument,
    );
  });

  test('are at most a hundred', async () => {
    const { token, userId } = await person();
    await app.context.db.pool.query(
      `insert into credentials (id, kind, user_id, secret_hash, family_id, created_at)
       select gen_random_uuid(), 'personal', $1, sha256(n::text::bytea), gen_random_uuid(), now()
         from generate_series(1, 99) n`,
      [userId],
    );
    const make = () => users(token).createPersonalAccessToken({ userId, name: 'x', scopes: ['read'] });
    const made = await Promise.allSettled([make(), make(), make(), make()]);
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await refusal(make())).toEqual({
      code: Code.ResourceExhausted,
      words: expect.stringContaining('delete one first'),
    });
  });
});
