import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { signInAttempt } from '#server/features/attempts/subject.ts';
import { readProxies } from '#server/http/client-address.ts';
import { asBrowser, post } from './browser.ts';
import { eventually, startTestApp, type TestApp } from './harness.ts';

const PASSWORD = 'a long enough password';
const WRONG = 'not the password at all';

let offset = 0;
const clock = {
  now: () => new Date(Date.now() + offset),
  sleep: async (milliseconds: number, signal?: AbortSignal) => {
    await sleep(milliseconds, undefined, { signal });
  },
};
/** What requests had the database do; workers are at it as well. */
const statements: string[] = [];
const observeStatement = (name: string) => {
  if (/^(attempts|users|credentials|organisations)\./.test(name)) statements.push(name);
  if (name.startsWith('history.')) steps.push(name);
};
/** In which order refusals are recorded and answered. */
const steps: string[] = [];
const log = pino({ level: 'info' }, { write: (line) => void steps.push(JSON.parse(line).msg) });
const config = { trustedProxies: readProxies('127.0.0.1') };
let app: TestApp;
/** Another server on the same database. */
let other: TestApp;
beforeAll(async () => {
  app = await startTestApp({ clock, config, observeStatement, log });
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
  const email = `${username}@example.com`;
  await post(app, 'UsersService/Register', { username, email, password: PASSWORD }, from(9));
});

/** Behind a proxy that tells where a request comes from; each test has addresses of its own. */
const from = (host: number) => ({ 'x-forwarded-for': `192.0.${n}.${host}` });
const signIn = (password = WRONG, host = 1, name = username, server = app) =>
  post(server, 'SessionService/SignIn', { identifier: name, password }, from(host));
const codes = async (answers: Promise<{ body: { code?: string } }>[]) =>
  (await Promise.all(answers)).map(({ body }) => body.code ?? 'ok');
const inTurn = async (count: number, call: () => Promise<{ body: { code?: string } }>) => {
  const answered: string[] = [];
  for (let i = 0; i < count; i++) answered.push((await call()).body.code ?? 'ok');
  return answered;
};
const [NO, LATER] = ['unauthenticated', 'resource_exhausted'];
const FIVE = [NO, NO, NO, NO, NO];

describe('guessing at one account', () => {
  test('is answered five times, then told when to come again, and the right password waits too', async () => {
    expect(await inTurn(5, () => signIn())).toEqual(FIVE);
    statements.length = 0;
    const refused = await signIn(PASSWORD);
    expect(refused.status).toBe(429);
    expect(refused.body.code).toBe(LATER);
    expect(refused.body.message).toMatch(/^too many attempts have failed: try again in (29|30) seconds$/);
    expect(['29', '30']).toContain(refused.headers.get('retry-after'));
    const info = refused.body.details?.find(({ type }) => type === 'forest.v1.RetryInfo');
    expect(info?.debug).toEqual({ retryAfterSeconds: Number(refused.headers.get('retry-after')) });
    // Nothing was looked up and no password was checked.
    expect(statements).toEqual(['attempts.read']);
    // Refused attempts make nothing longer.
    await inTurn(5, () => signIn());
    offset += 31_000;
    expect((await signIn(PASSWORD)).status).toBe(200);
    // And success forgets the failures from there.
    expect(await inTurn(4, () => signIn())).toEqual(FIVE.slice(1));
    expect((await signIn(PASSWORD)).status).toBe(200);
  });

  test('waits twice as long after each further failure', async () => {
    await inTurn(5, () => signIn());
    for (const seconds of [30, 60, 120]) {
      const { headers } = await signIn();
      expect(Math.abs(Number(headers.get('retry-after')) - seconds)).toBeLessThanOrEqual(2);
      offset += seconds * 1000 + 1000;
      expect((await signIn()).body.code).toBe(NO);
    }
  });

  test('counts over all servers, by both services, and in any spelling of the name', async () => {
    await inTurn(2, () => signIn());
    await inTurn(1, () => signIn(WRONG, 1, username.toUpperCase(), other));
    await inTurn(2, () =>
      post(other, 'UsersService/Login', { username: ` ${username}`, password: WRONG }, from(1)),
    );
    expect((await signIn()).body.code).toBe(LATER);
    expect((await signIn(PASSWORD, 1, username, other)).body.code).toBe(LATER);
    const login = await post(app, 'UsersService/Login', { username, password: PASSWORD }, from(1));
    expect(login.body.code).toBe(LATER);
  });

  test('gets no more guesses by many at once', async () => {
    const answers = await codes(
      Array.from({ length: 30 }, (_, i) => signIn(WRONG, 1, username, i % 2 === 0 ? app : other)),
    );
    expect(answers.filter((code) => code === NO)).toEqual(FIVE);
    expect(answers.filter((code) => code === LATER)).toHaveLength(25);
  });

  test('does not keep its owner out who comes from elsewhere', async () => {
    await inTurn(6, () => signIn());
    expect((await signIn(PASSWORD, 2)).status).toBe(200);
  });

  test('from many addresses makes strangers wait a minute at most, and the owner’s own addresses not at all', async () => {
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
    // There too one may not guess for ever.
    expect(await inTurn(6, () => signIn(WRONG, 7))).toEqual([...FIVE, LATER]);
  });

  test('that does not exist is answered in the same words, after the same work', async () => {
    const told = async (name: string) => {
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
    expect(await told(`nobody-${n}`)).toEqual(await told(username));
  });
});

test('what a refused sign-in leaves in the record is written when its answer has gone: nobody waits for it', async () => {
  await eventually(async () => steps.at(-1) !== 'history.where_known', 'what was refused before');
  steps.length = 0;
  expect((await signIn()).body.code).toBe(NO);
  await eventually(async () => steps.includes('history.append'), 'the entry');
  expect(steps).toEqual(['a call', 'history.where_known', 'history.append']);
});

describe('guessing from one address', () => {
  test('at many accounts is stopped for that address, and for nobody else', async () => {
    const { address } = signInAttempt('x', `192.0.${n}.1`);
    await signIn(WRONG, 1, `somebody-${n}`);
    await app.context.db.pool.query('update sign_in_attempts set failures = 99 where key = $1', [address]);
    expect((await signIn(WRONG, 1, `somebody-else-${n}`)).body.code).toBe(NO);
    expect((await signIn(PASSWORD, 1)).body.code).toBe(LATER);
    expect((await signIn(PASSWORD, 2)).status).toBe(200);
  });

  test('cannot be hidden by a header that no proxy of ours wrote', async () => {
    const proxyless = await startTestApp({ config: { databaseUrl: app.databaseUrl } });
    try {
      const attempt = (i: number) =>
        post(
          proxyless,
          'SessionService/SignIn',
          { identifier: username, password: WRONG },
          { 'x-forwarded-for': `198.51.100.${i}` },
        );
      const answers: string[] = [];
      for (let i = 0; i < 6; i++) answers.push((await attempt(i)).body.code ?? 'ok');
      expect(answers).toEqual([...FIVE, LATER]);
    } finally {
      await proxyless.stop();
    }
  });
});

test('the current password is guessed at no more often', async () => {
  const { cookie } = await signIn(PASSWORD);
  const { body } = await post(app, 'UsersService/TokenInfo', {}, { cookie });
  const { userId } = body as { userId?: string };
  const change = (currentPassword: string) =>
    post(
      app,
      'UsersService/ChangePassword',
      { userId, currentPassword, newPassword: 'another long password' },
      { ...asBrowser(cookie), ...from(1) },
    );
  const wrong = 'invalid_argument';
  expect(await inTurn(6, () => change(WRONG))).toEqual([wrong, wrong, wrong, wrong, wrong, LATER]);
  expect((await change(PASSWORD)).body.code).toBe(LATER);
  // The session goes on, and signing in counts apart.
  expect((await post(app, 'SessionService/GetSession', {}, { cookie })).body.session).toBeDefined();
  expect((await signIn(PASSWORD)).status).toBe(200);
});

test('refresh tokens are tried a hundred times from an address, and no more', async () => {
  const refresh = () => post(app, 'UsersService/RefreshToken', { refreshToken: 'forage_r_guess' }, from(1));
  const answers = await inTurn(101, refresh);
  expect(answers.slice(0, 100).every((code) => code === NO)).toBe(true);
  expect(answers[100]).toBe(LATER);
  // Passwords are another matter.
  expect((await signIn(PASSWORD)).status).toBe(200);
});

test('what counts for nothing any more is deleted, and known addresses after a month', async () => {
  await signIn(WRONG, 1);
  await signIn(PASSWORD, 2);
  const known = signInAttempt(username, `192.0.${n}.2`).accountAtAddress;
  const failed = signInAttempt(username, `192.0.${n}.1`).accountAtAddress;
  const there = async (key: Buffer | null) =>
    (await app.context.db.pool.query('select 1 from sign_in_attempts where key = $1', [key])).rowCount === 1;
  expect([await there(known), await there(failed)]).toEqual([true, true]);
  offset += 25 * 3_600_000;
  await signIn(WRONG, 3);
  expect([await there(known), await there(failed)]).toEqual([true, false]);
  offset += 30 * 24 * 3_600_000;
  await signIn(WRONG, 3);
  expect(await there(known)).toBe(false);
});
