import { pino } from 'pino';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { signInAttempt } from '#server/features/attempts/subject.ts';
import { verifyPassword } from '#server/features/users/password.ts';
import { readProxies } from '#server/http/client-address.ts';
import { RequestScope, withinRequest } from '#server/request-scope.ts';
import { asBrowser, post } from './browser.ts';
import { testClock } from './clock.ts';
import { eventually, startTestApp } from './harness.ts';
import { beside } from './neighbours.ts';
import { PASSWORD } from './world.ts';

const WRONG = 'not the password at all';

const clock = testClock(new Date());
/** The statements of requests, without those of workers. */
const statements: string[] = [];
const observeStatement = (name: string) => {
  if (/^(attempts|users|credentials|organisations)\./.test(name)) statements.push(name);
  if (name.startsWith('history.')) steps.push(name);
};
/** Log lines and statements of the history, in order. */
const steps: string[] = [];
const log = pino({ level: 'info' }, { write: (line) => void steps.push(JSON.parse(line).msg) });
const config = { trustedProxies: readProxies('127.0.0.1') };
const app = await startTestApp({ clock, config, observeStatement, log });
/** Another server on the same database. */
const other = await beside(app, { clock, config });
afterAll(async () => {
  await other.stop();
  await app.stop();
});

let n = 0;
let username = '';
beforeEach(async () => {
  username = `user-${++n}`;
  const email = `${username}@example.com`;
  await post(app, 'UsersService/Register', { username, email, password: PASSWORD }, from(9));
});

/** The header of a trusted proxy with the client's address; each test has its own addresses. */
const from = (host: number) => ({ 'x-forwarded-for': `192.0.${n}.${host}` });
const signIn = (password = WRONG, host = 1, name = username, server = app) =>
  post(server, 'SessionService/SignIn', { identifier: name, password }, from(host));
const codes = async (answers: Promise<{ body: { code?: string } }>[]) =>
  (await Promise.all(answers)).map(({ body }) => body.code ?? 'ok');
const repeat = async (count: number, call: () => Promise<{ body: { code?: string } }>) => {
  const answers: string[] = [];
  for (let i = 0; i < count; i++) answers.push((await call()).body.code ?? 'ok');
  return answers;
};
const [NO, LATER] = ['unauthenticated', 'resource_exhausted'];
const FIVE = [NO, NO, NO, NO, NO];

describe('failed sign-ins to one account', () => {
  test('must wait after five failures, also with the right password, but not at another address', async () => {
    expect(await repeat(5, () => signIn())).toEqual(FIVE);
    statements.length = 0;
    const refused = await signIn(PASSWORD);
    expect(refused.status).toBe(429);
    expect(refused.body.code).toBe(LATER);
    expect(refused.body.message).toBe('Too many failed attempts. Try again in 30 seconds.');
    expect(refused.headers.get('retry-after')).toBe('30');
    const info = refused.body.details?.find(({ type }) => type === 'forest.v1.RetryInfo');
    expect(info?.debug).toEqual({ retryAfterSeconds: 30 });
    // Nothing was looked up and no password was checked.
    expect(statements).toEqual(['attempts.read']);
    // Refused attempts do not prolong the wait.
    await repeat(5, () => signIn());
    expect((await signIn(PASSWORD, 2)).status).toBe(200);
    clock.advance(30_000);
    expect((await signIn(PASSWORD)).status).toBe(200);
    // Success resets the count of its address.
    expect(await repeat(4, () => signIn())).toEqual(FIVE.slice(1));
    expect((await signIn(PASSWORD)).status).toBe(200);
  });

  test('count on all servers, in both services and in any spelling of the name', async () => {
    const login = (name: string, password: string, server = app) =>
      post(server, 'UsersService/Login', { username: name, password }, from(1));
    await repeat(2, () => signIn());
    await repeat(1, () => signIn(WRONG, 1, username.toUpperCase(), other));
    await repeat(2, () => login(` ${username}`, WRONG, other));
    const right = [signIn(PASSWORD), signIn(PASSWORD, 1, username, other), login(username, PASSWORD)];
    expect(await codes(right)).toEqual([LATER, LATER, LATER]);
  });

  test('gain nothing by simultaneous attempts', async () => {
    const answers = await codes(
      Array.from({ length: 30 }, (_, i) => signIn(WRONG, 1, username, i % 2 === 0 ? app : other)),
    );
    expect(answers.filter((code) => code === NO)).toEqual(FIVE);
    expect(answers.filter((code) => code === LATER)).toHaveLength(25);
  });

  test('from many addresses delay others by at most a minute, and known addresses not at all', async () => {
    expect((await signIn(PASSWORD, 7)).status).toBe(200);
    const { account } = signInAttempt(username, null);
    await app.context.db.pool.query(
      'update sign_in_attempts set failures = 5000, last_at = $2, blocked_until = null where key = $1',
      [account, clock.now()],
    );
    expect((await signIn(WRONG, 3)).body.code).toBe(NO);
    const waits = await signIn(PASSWORD, 4);
    expect(waits.body.code).toBe(LATER);
    expect(Number(waits.headers.get('retry-after'))).toBeLessThanOrEqual(60);
    expect((await signIn(PASSWORD, 7)).status).toBe(200);
    // Failures count there too.
    expect(await repeat(6, () => signIn(WRONG, 7))).toEqual([...FIVE, LATER]);
  });

  test('look the same for an unknown account, with the same statements', async () => {
    const answersFor = async (name: string) => {
      const answers: unknown[] = [];
      for (let i = 0; i < 7; i++) {
        statements.length = 0;
        const { status, body, headers } = await signIn(WRONG, i % 7, name);
        const { code, message } = body;
        answers.push([status, code, message, headers.get('retry-after'), [...statements]]);
      }
      for (let i = 0; i < 6; i++) await signIn(WRONG, 200, name);
      statements.length = 0;
      const { status, body } = await signIn(WRONG, 200, name);
      return [...answers, status, body.code, [...statements]];
    };
    expect(await answersFor(`nobody-${n}`)).toEqual(await answersFor(username));
  });
});

test('a refused sign-in is recorded after its response', async () => {
  await eventually(async () => steps.at(-1) !== 'history.find_user_organisations', 'earlier refusals');
  steps.length = 0;
  expect((await signIn()).body.code).toBe(NO);
  await eventually(async () => steps.includes('history.append'), 'the entry');
  expect(steps).toEqual(['Call', 'history.find_user_organisations', 'history.append']);
});

describe('failed sign-ins from one address', () => {
  test('to many accounts block that address and no other', async () => {
    const { address } = signInAttempt('x', `192.0.${n}.1`);
    await signIn(WRONG, 1, `somebody-${n}`);
    await app.context.db.pool.query('update sign_in_attempts set failures = 99 where key = $1', [address]);
    expect((await signIn(WRONG, 1, `somebody-else-${n}`)).body.code).toBe(NO);
    expect((await signIn(PASSWORD, 1)).body.code).toBe(LATER);
    expect((await signIn(PASSWORD, 2)).status).toBe(200);
  });

  test('cannot be hidden by a header from an untrusted proxy', async () => {
    const direct = await beside(app);
    try {
      const body = { identifier: username, password: WRONG };
      let n = 0;
      const attempt = () =>
        post(direct, 'SessionService/SignIn', body, { 'x-forwarded-for': `198.51.100.${++n}` });
      expect(await repeat(6, attempt)).toEqual([...FIVE, LATER]);
    } finally {
      await direct.stop();
    }
  });
});

test('strangers who fill the queue of password checks do not delay a sign-in from a known address', async () => {
  expect((await signIn(PASSWORD, 7)).status).toBe(200);
  let settled = 0;
  const strangers = Array.from({ length: 200 }, (_, stranger) =>
    withinRequest(new RequestScope('x', `198.51.100.${stranger}`), () => verifyPassword(null, WRONG, false))
      .catch(() => undefined)
      .then(() => settled++),
  );
  const refused = 200 - 52;
  expect((await signIn(PASSWORD, 7)).status).toBe(200);
  expect(settled).toBeLessThan(refused + 52);
  await Promise.all(strangers);
});

describe('registrations', () => {
  const register = (name: string, host: number, server = app) =>
    post(
      server,
      'UsersService/Register',
      { username: name, email: `${name}@example.com`, password: PASSWORD },
      from(host),
    );

  test('of a taken name are refused before the password is hashed', async () => {
    statements.length = 0;
    expect((await register(username.toUpperCase(), 1)).body.code).toBe('already_exists');
    expect(statements).toEqual(['users.find_taken']);
  });

  test('from one network wait after a sixtieth of the rate limit, whether or not they succeed', async () => {
    const limited = await beside(app, { clock, config: { ...config, rateLimitPerMinute: 240 } });
    try {
      const names = [`a-${n}`, `a-${n}`, `b-${n}`, `c-${n}`];
      const answers: string[] = [];
      for (const name of names) answers.push((await register(name, 1, limited)).body.code ?? 'ok');
      expect(answers).toEqual(['ok', 'already_exists', 'ok', 'ok']);
      const refused = await register(`d-${n}`, 1, limited);
      expect(refused.body).toMatchObject({
        code: LATER,
        message: 'Too many registrations from your network. Try again in 30 seconds.',
      });
      expect(refused.headers.get('retry-after')).toBe('30');
      expect((await register(`d-${n}`, 2, limited)).status).toBe(200);
      clock.advance(30_000);
      expect((await register(`e-${n}`, 1, limited)).status).toBe(200);
    } finally {
      await limited.stop();
    }
  });
});

test('wrong current passwords are limited separately', async () => {
  const { cookie } = await signIn(PASSWORD);
  const { body } = await post(app, 'UsersService/TokenInfo', {}, { cookie });
  const { userId } = body as { userId?: string };
  const headers = { ...asBrowser(cookie), ...from(1) };
  const newPassword = 'another long password';
  const change = (currentPassword: string) =>
    post(app, 'UsersService/ChangePassword', { userId, currentPassword, newPassword }, headers);
  const wrong = 'invalid_argument';
  expect(await repeat(6, () => change(WRONG))).toEqual([wrong, wrong, wrong, wrong, wrong, LATER]);
  expect((await change(PASSWORD)).body.code).toBe(LATER);
  expect((await post(app, 'SessionService/GetSession', {}, { cookie })).body.session).toBeDefined();
  expect((await signIn(PASSWORD)).status).toBe(200);
});

test('invalid refresh tokens are limited to 100 per address', async () => {
  const refresh = () => post(app, 'UsersService/RefreshToken', { refreshToken: 'forage_r_guess' }, from(1));
  const answers = await repeat(101, refresh);
  expect(answers.slice(0, 100).every((code) => code === NO)).toBe(true);
  expect(answers[100]).toBe(LATER);
  // Sign-ins by password count separately.
  expect((await signIn(PASSWORD)).status).toBe(200);
});

test('old counts are deleted, and known addresses after a month', async () => {
  await signIn(WRONG, 1);
  await signIn(PASSWORD, 2);
  const known = signInAttempt(username, `192.0.${n}.2`).accountAtAddress;
  const failed = signInAttempt(username, `192.0.${n}.1`).accountAtAddress;
  const there = async (key: Buffer | undefined) =>
    (await app.context.db.pool.query('select 1 from sign_in_attempts where key = $1', [key])).rowCount === 1;
  expect([await there(known), await there(failed)]).toEqual([true, true]);
  clock.advance(25 * 3_600_000);
  await signIn(WRONG, 3);
  expect([await there(known), await there(failed)]).toEqual([true, false]);
  clock.advance(30 * 24 * 3_600_000);
  await signIn(WRONG, 3);
  expect(await there(known)).toBe(false);
});
