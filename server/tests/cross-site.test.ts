import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asBrowser, post } from './browser.ts';
import { everyMethod, nameOf, pathOf } from './every-method.ts';
import { startTestApp, type TestApp } from './harness.ts';

const PASSWORD = 'a long enough password';
const PUBLIC = 'https://forage.example.com';

let app: TestApp;
let cookie = '';
let accessToken = '';
beforeAll(async () => {
  app = await startTestApp();
  const account = { username: 'reviewer', email: 'reviewer@example.com', password: PASSWORD };
  const { body } = await post(app, 'UsersService/Register', account);
  accessToken = (body as { tokens?: { accessToken: string } }).tokens?.accessToken ?? '';
  ({ cookie } = await signIn({}));
});
afterAll(() => app.stop());

const signIn = (headers: Record<string, string>, server = app) =>
  post(server, 'SessionService/SignIn', { identifier: 'reviewer', password: PASSWORD }, headers);
let n = 0;
/** Writes something, with whatever a browser would add. */
const write = async (headers: Record<string, string>) =>
  (await post(app, 'OrganisationService/CreateOrganisation', { name: `org-${++n}` }, headers)).body.code ??
  'ok';
const NO = 'permission_denied';

/** What a browser says of the page that makes a request, and whether that is one of ours. */
const pages = (): [string, Record<string, string>, boolean][] => [
  ['our own page', { 'sec-fetch-site': 'same-origin', origin: app.url }, true],
  ['nobody’s page', { 'sec-fetch-site': 'none' }, true],
  ['another site', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }, false],
  ['a sibling of the same domain', { 'sec-fetch-site': 'same-site', origin: app.url }, false],
  ['a value that there is not', { 'sec-fetch-site': 'same-origin, none' }, false],
  ['an older browser, our own page', { origin: app.url }, true],
  ['an older browser, another site', { origin: 'https://evil.example' }, false],
  ['an older browser, another port', { origin: 'http://127.0.0.1:1' }, false],
  ['an older browser, a page without an origin', { origin: 'null' }, false],
  ['an origin that is none', { origin: 'evil' }, false],
  ['our address as somebody’s name', { origin: `${app.url}.evil.example` }, false],
  ['no browser', {}, true],
];

describe('a request with a session’s cookie', () => {
  test('writes from our own pages alone, even with the right token', async () => {
    for (const [page, headers, ours] of pages()) {
      expect([page, await write({ ...asBrowser(cookie), ...headers })]).toEqual([page, ours ? 'ok' : NO]);
      // And never without the token.
      expect([page, await write({ cookie, ...headers })]).toEqual([page, NO]);
    }
  });

  test('reads whatever page it comes from: the answer is for nobody but our own pages', async () => {
    for (const [page, headers] of pages()) {
      const { status, headers: answered } = await post(
        app,
        'UsersService/TokenInfo',
        {},
        { cookie, ...headers },
      );
      expect([page, status]).toEqual([page, 200]);
      expect(answered.get('cross-origin-resource-policy')).toBe('same-origin');
      expect(answered.get('access-control-allow-origin')).toBeNull();
    }
  });

  test('is the bearer’s when there is a bearer token too', async () => {
    const authorization = `Bearer ${accessToken}`;
    expect(await write({ cookie, authorization, 'sec-fetch-site': 'cross-site' })).toBe('ok');
    const wrong = { ...asBrowser(cookie), authorization: 'Bearer forage_a_wrong' };
    expect(await write(wrong)).toBe('unauthenticated');
    // A wrong bearer token does not end the cookie's session either.
    await post(app, 'SessionService/SignOut', {}, wrong);
    expect((await post(app, 'SessionService/GetSession', {}, { cookie })).body.session).toBeDefined();
  });
});

test('nobody is signed in, set up or registered by another site’s page', async () => {
  for (const [page, headers, ours] of pages()) {
    const answer = await signIn(headers);
    expect([page, answer.body.code ?? 'ok']).toEqual([page, ours ? 'ok' : NO]);
    if (!ours) expect(answer.headers.get('set-cookie')).toBeNull();
    const others = [
      ['SessionService/SetUp', { token: 'x', organisation: 'o', username: 'u', email: 'u@example.com' }],
      ['UsersService/Login', { username: 'reviewer' }],
      ['UsersService/Register', { username: `new-${n++}`, email: `new-${n}@example.com` }],
      ['UsersService/Logout', { refreshToken: 'x' }],
    ] as const;
    for (const [method, request] of others) {
      const { body } = await post(app, method, { ...request, password: PASSWORD }, headers);
      expect([page, method, body.code === NO]).toEqual([page, method, !ours]);
    }
  }
});

test('behind a proxy that ends TLS, the public address is ours, and so is the one that is asked for', async () => {
  const proxied = await startTestApp({ config: { publicUrl: PUBLIC, databaseUrl: app.databaseUrl } });
  try {
    const code = async (origin: string) => (await signIn({ origin }, proxied)).body.code ?? 'ok';
    expect(await code(PUBLIC)).toBe('ok');
    expect(await code(proxied.url)).toBe('ok');
    expect(await code(proxied.url.replace('http:', 'https:'))).toBe('ok');
    expect(await code('http://forage.example.com')).toBe(NO);
    expect(await code(app.url)).toBe(NO);
  } finally {
    await proxied.stop();
  }
});

test('no form and no link reaches a method that writes', async () => {
  const forms = ['application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain', ''];
  const writes = everyMethod.filter(
    ({ idempotency, methodKind }) => idempotency !== 1 && methodKind === 'unary',
  );
  expect(writes.length).toBeGreaterThan(30);
  for (const method of writes) {
    for (const type of forms) {
      const response = await fetch(app.url + pathOf(method), {
        method: 'POST',
        headers: { 'content-type': type, ...asBrowser(cookie) },
        body: '{}',
      });
      expect([nameOf(method), type, response.status]).toEqual([nameOf(method), type, 415]);
    }
    const link = `${app.url + pathOf(method)}?encoding=json&message=%7B%7D`;
    for (const verb of ['GET', 'HEAD']) {
      const response = await fetch(link, { method: verb, headers: { cookie } });
      expect([nameOf(method), verb, response.status]).toEqual([nameOf(method), verb, 405]);
    }
  }
});
