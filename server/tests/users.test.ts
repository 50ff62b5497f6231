import { afterAll, describe, expect, test } from 'vitest';
import { SessionService } from '#server/gen/forest/v1/sessions_pb.ts';
import { UsersService } from '#server/gen/forest/v1/users_pb.ts';
import { post } from './browser.ts';
import { testClock } from './clock.ts';
import { startTestApp } from './harness.ts';
import { whileLocked } from './in-turn.ts';
import { expectRefusal, refusal } from './refusal.ts';
import { actingBy, PASSWORD, personalToken, person as registerPerson, uniqueName } from './world.ts';

const NOW = new Date('2027-01-02T03:04:05Z');
const app = await startTestApp({ clock: testClock(NOW) });
afterAll(() => app.stop());

const users = (token?: string) => app.client(UsersService, { token });
const person = (name?: string) => registerPerson(app, name);
const byName = (value: string) => ({ case: 'username', value }) as const;
const login = (username: string, password = PASSWORD) =>
  users().login({ identifier: byName(username), password });
const query = (text: string, ...values: unknown[]) => app.context.db.pool.query(text, values);
const expire = (column: 'id' | 'user_id', id: string | undefined, before = '1 second') =>
  query(
    `update credentials set expires_at = $1::timestamptz - $2::interval where ${column} = $3`,
    NOW,
    before,
    id,
  );

describe('Register and Login', () => {
  test('work over plain JSON and return tokens that authenticate', async () => {
    const account = { username: 'by-curl', email: 'by-curl@example.com', password: PASSWORD };
    const registered = await post(app, 'UsersService/Register', account);
    expect(registered.body).toMatchObject({
      user: { username: 'by-curl', emails: [{ email: account.email }] },
    });
    const { body } = await post(app, 'UsersService/Login', { username: 'by-curl', password: PASSWORD });
    // `expiresInSeconds` is the absolute Unix time, an hour from now: existing clients read it so.
    const expiresInSeconds = String(NOW.getTime() / 1000 + 3600);
    expect(body).toMatchObject({
      tokens: {
        accessToken: expect.stringMatching(/^forage_a_[\w-]{43}$/),
        refreshToken: expect.stringMatching(/^forage_r_[\w-]{43}$/),
        expiresInSeconds,
      },
    });
    const { tokens } = body as { tokens?: { accessToken: string; refreshToken: string } };
    const info = (token = '') =>
      post(app, 'UsersService/TokenInfo', {}, { authorization: `Bearer ${token}` });
    expect((await info(tokens?.accessToken)).body).toMatchObject({ expiresAt: expiresInSeconds });
    expect((await info()).status).toBe(401);
    expect((await info(tokens?.refreshToken)).body.code).toBe('unauthenticated');
  });

  test('Register names the field that is taken, ignoring case, and reserves the server’s own name', async () => {
    const { username, email } = await person();
    const register = (name: string, address: string) =>
      refusal(users().register({ username: name, email: address, password: PASSWORD }));
    for (const name of [username.toUpperCase(), 'forage', 'Forage', 'FORAGE']) {
      const refused = { code: 'AlreadyExists', message: `The username "${name}" is taken` };
      expect(await register(name, 'other-address@example.com')).toMatchObject(refused);
    }
    const sameEmail = await register(`${username}-2`, email.toUpperCase());
    expect(sameEmail).toMatchObject({ code: 'AlreadyExists', fields: ['email'] });
    expect((await register('a@b', 'ok@example.com')).code).toBe('InvalidArgument');
  });

  test('one of two simultaneous registrations of a name succeeds', async () => {
    const attempts = await Promise.allSettled(
      ['a', 'b'].map((x) =>
        users().register({ username: 'at-once', email: `at-once-${x}@example.com`, password: PASSWORD }),
      ),
    );
    expect(attempts.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect((await query(`select 1 from users where username = 'at-once'`)).rowCount).toBe(1);
  });

  test('with closed registration only admins register users and create organisations, not by a token', async () => {
    const closed = await startTestApp({ config: { registration: 'closed' } });
    const as = (token?: string) => closed.client(UsersService, { token });
    const register = (username: string, token?: string) =>
      as(token).register({ username, email: `${username}@example.com`, password: PASSWORD });
    const signedIn = async (name: string) => {
      const { user, tokens } = await as().login({ identifier: byName(name), password: PASSWORD });
      const { userId = '', username = '' } = user ?? {};
      return { userId, username, ...actingBy(closed, tokens?.accessToken ?? '') };
    };
    try {
      const refused = { code: 'PermissionDenied', message: expect.stringContaining('Ask an admin') };
      expect(await refusal(register('stranger'))).toMatchObject(refused);
      const email = 'admin@example.com';
      const setUp = { organisation: 'acme', username: 'admin', email, password: PASSWORD };
      await closed.client(SessionService, {}).setUp({ token: closed.setUpToken ?? '', ...setUp });
      const admin = await signedIn('admin');
      const { user, tokens } = await register('member', admin.token);
      expect([user?.username, tokens]).toEqual(['member', undefined]);
      const all = await personalToken(closed, admin, ['read', 'release', 'approve', 'admin']);
      await expectRefusal('PermissionDenied', register('another', all.token));
      const member = await signedIn('member');
      expect(await refusal(register('another', member.token))).toMatchObject(refused);
      await expectRefusal('PermissionDenied', member.organisations.createOrganisation({ name: 'own' }));
    } finally {
      await closed.stop();
    }
  });

  test('Login ignores case, and its failures reveal nothing', async () => {
    const { username, userId } = await person();
    for (const identifier of [
      byName(username.toUpperCase()),
      { case: 'email', value: `${username}@EXAMPLE.com` } as const,
    ]) {
      const answer = await users().login({ identifier, password: PASSWORD });
      expect([answer.user?.userId, answer.mfaRequired]).toEqual([userId, false]);
    }
    const failures = await Promise.all([
      refusal(login(username, 'wrong password')),
      refusal(login('nobody-at-all')),
      refusal(
        users().login({ identifier: { case: 'email', value: 'nobody@example.com' }, password: PASSWORD }),
      ),
      refusal(login(`${username}@example.com`)),
    ]);
    expect(new Set(failures.map(({ code, message }) => `${code} ${message}`))).toEqual(
      new Set(['Unauthenticated Wrong username, email or password']),
    );
    await expectRefusal('InvalidArgument', users().login({ password: PASSWORD }));
  });
});

describe('RefreshToken and Logout', () => {
  const refresh = (refreshToken: string | undefined) => users().refreshToken({ refreshToken });
  const info = (token: string | undefined) => users(token).tokenInfo({});

  test('a refresh token gives a new pair once; its second use ends its login, and no other', async () => {
    const { refreshToken, token, userId, username } = await person();
    const other = await login(username);
    const { tokens } = await refresh(refreshToken);
    expect((await info(tokens?.accessToken)).userId).toBe(userId);
    const { tokens: next } = await refresh(tokens?.refreshToken);
    expect(next?.accessToken).toMatch(/^forage_a_/);
    await expectRefusal('Unauthenticated', refresh(refreshToken));
    await expectRefusal('Unauthenticated', refresh(next?.refreshToken), info(token), info(next?.accessToken));
    await info(other.tokens?.accessToken);
  });

  test('one of two simultaneous uses gets tokens', async () => {
    const { refreshToken } = await person();
    const both = await Promise.allSettled([refresh(refreshToken), refresh(refreshToken)]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  test('unknown, expired and other tokens are refused', async () => {
    const { token, refreshToken, userId } = await person();
    await expectRefusal('Unauthenticated', refresh('forage_r_unknown'), refresh(token), refresh('x'));
    await expire('user_id', userId);
    await expectRefusal('Unauthenticated', refresh(refreshToken), info(token));
  });

  test('tokens that expired long ago are deleted at the next login', async () => {
    const { userId, username } = await person();
    await expire('user_id', userId, '31 days');
    await login(username);
    const { rows } = await query('select kind from credentials where user_id = $1 order by kind', userId);
    expect(rows).toEqual([{ kind: 'access' }, { kind: 'refresh' }]);
  });

  test('Logout ends both tokens of the login, and accepts unknown ones', async () => {
    const { token, refreshToken } = await person();
    await users().logout({ refreshToken });
    await expectRefusal('Unauthenticated', info(token), refresh(refreshToken));
    for (const unknown of [refreshToken, 'forage_r_unknown']) await users().logout({ refreshToken: unknown });
  });
});

describe('GetUser and ListUsers', () => {
  test('show the caller and fellow members; admins find anyone by exact name', async () => {
    const [admin, member] = [await person('admin'), await person('member')];
    const [colleague, stranger] = [await person('colleague'), await person('stranger')];
    const { organisationId } = await admin.organisations.createOrganisation({ name: uniqueName('org') });
    for (const { userId } of [member, colleague])
      await admin.organisations.addMember({ organisationId, userId, role: 'member' });
    const see = async (viewer: typeof admin, username: string) =>
      (await viewer.users.getUser({ identifier: byName(username) })).user;
    const addresses = async (viewer: typeof admin, username: string) =>
      (await see(viewer, username))?.emails.map(({ email }) => email);

    expect(await addresses(member, member.username)).toEqual([member.email]);
    expect(await addresses(member, colleague.username.toUpperCase())).toEqual([]);
    expect(await addresses(admin, member.username)).toEqual([member.email]);
    expect(await addresses(admin, stranger.username)).toEqual([]);
    for (const name of ['nobody-at-all', stranger.username]) {
      const refused = await refusal(see(member, name));
      expect(refused).toMatchObject({ code: 'NotFound', message: `User "${name}" not found` });
    }
    await expectRefusal('NotFound', see(admin, stranger.username.slice(0, -1)));

    const byEmail = await admin.users.getUser({ identifier: { case: 'email', value: stranger.email } });
    expect(byEmail.user?.userId).toBe(stranger.userId);
    const byId = (value: string) => ({ identifier: { case: 'userId', value } as const });
    expect((await member.users.getUser(byId(admin.userId))).user?.username).toBe(admin.username);
  });

  test('list fellow members in pages and find them by part of the name', async () => {
    const admin = await person('lister');
    const { organisationId } = await admin.organisations.createOrganisation({ name: uniqueName('org') });
    const names = [admin.username];
    for (const name of ['Even_one', 'odd', 'Even_one', 'odd']) {
      const { userId, username } = await person(name);
      await admin.organisations.addMember({ organisationId, userId, role: 'member' });
      names.push(username);
    }
    await person('even_one-stranger');
    names.sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1));

    const page = (pageToken: string) => admin.users.listUsers({ pageSize: 3, pageToken });
    const first = await page('');
    const last = await page(first.nextPageToken);
    expect([first.totalCount, last.totalCount, last.nextPageToken]).toEqual([5, 5, '']);
    expect([first, last].map((one) => one.users.map(({ username }) => username))).toEqual([
      names.slice(0, 3),
      names.slice(3),
    ]);

    const even = await admin.users.listUsers({ search: 'EVEN_ONE' });
    expect([even.users.length, even.totalCount]).toEqual([2, 2]);
    for (const search of ['%', 'even.one'])
      expect((await admin.users.listUsers({ search })).users).toEqual([]);
  });
});

describe('ChangePassword', () => {
  const NEW = 'another long password';

  test('ends other logins and sessions, and keeps this login and access tokens', async () => {
    const owner = await person();
    const { token, refreshToken, userId, username } = owner;
    const other = await login(username);
    await app.client(SessionService, {}).signIn({ identifier: username, password: PASSWORD });
    const { token: rawToken } = await personalToken(app, owner, ['read']);

    await users(token).changePassword({ userId, currentPassword: PASSWORD, newPassword: NEW });

    await users(token).tokenInfo({});
    await users().refreshToken({ refreshToken });
    await users(rawToken).tokenInfo({});
    await expectRefusal(
      'Unauthenticated',
      users(other.tokens?.accessToken).tokenInfo({}),
      users().refreshToken({ refreshToken: other.tokens?.refreshToken }),
      login(username),
    );
    const active = `select 1 from credentials where user_id = $1 and kind = 'session' and revoked_at is null`;
    expect((await query(active, userId)).rowCount).toBe(0);
    expect((await login(username, NEW)).user?.userId).toBe(userId);
  });

  test('leaves no tokens behind that are being refreshed', async () => {
    const { refreshToken, userId } = await person();
    // The steps of the change: the password, then the end of all logins that exist.
    const refused = await whileLocked(
      app,
      ['update users set password_hash = $2 where id = $1', [userId, 'another']],
      () => refusal(users().refreshToken({ refreshToken })),
      (holder) => holder.query('update credentials set revoked_at = now() where user_id = $1', [userId]),
    );
    expect(refused.code).toBe('Unauthenticated');
  });

  test('refuses a wrong current password, another user and a short new password', async () => {
    const [one, two] = [await person(), await person()];
    const change = (userId: string, currentPassword: string, newPassword = NEW) =>
      one.users.changePassword({ userId, currentPassword, newPassword });
    const wrong = await refusal(change(one.userId, 'wrong password'));
    expect(wrong).toMatchObject({ code: 'InvalidArgument', fields: ['current_password'] });
    const unknown = '01890000-0000-7000-8000-000000000000';
    await expectRefusal('PermissionDenied', change(two.userId, PASSWORD), change(unknown, PASSWORD));
    await expectRefusal('InvalidArgument', change(one.userId, PASSWORD, 'short'));
    await login(one.username);
  });
});

describe('personal access tokens', () => {
  test('are listed without the secret, and end when they are deleted', async () => {
    const { users: own, userId } = await person();
    const first = await own.createPersonalAccessToken({ userId, name: 'ci', scopes: ['read', 'release'] });
    const hour = { name: 'for an hour', scopes: ['approve'], expiresInSeconds: 3600n };
    const second = await own.createPersonalAccessToken({ userId, ...hour });
    expect(first.rawToken).toMatch(/^forage_p_[\w-]{43}[0-9A-Za-z]{6}$/);
    expect(first.token?.expiresAt).toBeUndefined();
    await expectRefusal(
      'InvalidArgument',
      own.createPersonalAccessToken({ userId, name: '', scopes: ['read'] }),
      own.createPersonalAccessToken({ userId, ...hour, expiresInSeconds: -1n }),
    );
    expect(await users(first.rawToken).tokenInfo({})).toMatchObject({ userId, expiresAt: 0n });
    expect(second.token?.expiresAt?.seconds).toBe(BigInt(NOW.getTime() / 1000 + 3600));

    const list = async () =>
      (await own.listPersonalAccessTokens({ userId })).tokens.map(({ name, scopes }) => [name, scopes]);
    const listedHour = ['for an hour', ['approve']];
    expect(await list()).toEqual([listedHour, ['ci', ['read', 'release']]]);
    const remove = () => own.deletePersonalAccessToken({ tokenId: first.token?.tokenId });
    await remove();
    await expectRefusal('Unauthenticated', users(first.rawToken).tokenInfo({}));
    expect(await list()).toEqual([listedHour]);
    await expectRefusal('NotFound', remove());
  });

  test('cannot be listed, created or deleted by another user', async () => {
    const [one, two] = [await person(), await person()];
    const { userId } = one;
    const mine = await one.users.createPersonalAccessToken({ userId, name: 'mine', scopes: ['read'] });
    await expectRefusal('NotFound', two.users.deletePersonalAccessToken({ tokenId: mine.token?.tokenId }));
    await expectRefusal(
      'PermissionDenied',
      two.users.listPersonalAccessTokens({ userId }),
      two.users.createPersonalAccessToken({ userId, name: 'x', scopes: ['admin'] }),
    );
    await users(mine.rawToken).tokenInfo({});
  });

  test('expire', async () => {
    const { users: own, userId } = await person();
    const minute = { name: 'all', scopes: ['admin'], expiresInSeconds: 60n };
    const { rawToken, token } = await own.createPersonalAccessToken({ userId, ...minute });
    await users(rawToken).tokenInfo({});
    await expire('id', token?.tokenId);
    await expectRefusal('Unauthenticated', users(rawToken).tokenInfo({}));
  });

  test('are at most 100 per user, also when several are created at once', async () => {
    const { users: own, userId } = await person();
    await query(
      `insert into credentials (id, kind, user_id, secret_hash, family_id, created_at)
       select gen_random_uuid(), 'personal', $1, sha256(n::text::bytea), gen_random_uuid(), now()
         from generate_series(1, 99) n`,
      userId,
    );
    const create = () => own.createPersonalAccessToken({ userId, name: 'x', scopes: ['read'] });
    const created = await Promise.allSettled([create(), create(), create(), create()]);
    expect(created.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const refused = { code: 'ResourceExhausted', message: expect.stringContaining('Delete one first') };
    expect(await refusal(create())).toMatchObject(refused);
  });
});
