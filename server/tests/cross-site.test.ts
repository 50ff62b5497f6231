import { afterAll, describe, expect, test } from 'vitest';
import { asBrowser, post } from './browser.ts';
import { everyMethod, nameOf, pathOf } from './every-method.ts';
import { startTestApp } from './harness.ts';
import { beside } from './neighbours.ts';
import { PASSWORD, person } from './world.ts';

const PUBLIC = 'https://forage.example.com';

const app = await startTestApp();
afterAll(() => app.stop());
const { username, token: accessToken } = await person(app);

const signIn = (headers: Record<string, string>, server = app) =>
  post(server, 'SessionService/SignIn', { identifier: username, password: PASSWORD }, headers);
const { cookie } = await signIn({});
let n = 0;
/** A write with headers that a browser would add. */
const write = async (headers: Record<string, string>) =>
  (await post(app, 'OrganisationService/CreateOrganisation', { name: `org-${++n}` }, headers)).body.code ??
  'ok';
const NO = 'permission_denied';

/** Headers of a browser for each kind of page, and whether the page is ours. */
const pages = (): [string, Record<string, string>, boolean][] => [
  ['our own page', { 'sec-fetch-site': 'same-origin', origin: app.url }, true],
  ['no page', { 'sec-fetch-site': 'none' }, true],
  ['another site', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }, false],
  ['a sibling of the same domain', { 'sec-fetch-site': 'same-site', origin: app.url }, false],
  ['an invalid value', { 'sec-fetch-site': 'same-origin, none' }, false],
  ['an older browser, our own page', { origin: app.url }, true],
  ['an older browser, another site', { origin: 'https://evil.example' }, false],
  ['an older browser, another port', { origin: 'http://127.0.0.1:1' }, false],
  ['an older browser, a page without an origin', { origin: 'null' }, false],
  ['an invalid origin', { origin: 'evil' }, false],
  ['a host name that starts with ours', { origin: `${app.url}.evil.example` }, false],
  ['no browser', {}, true],
];

describe('a request with a session’s cookie', () => {
  test('can write only from our own pages, even with the right token', async () => {
    for (const [page, headers, ours] of pages()) {
      expect([page, await write({ ...asBrowser(cookie), ...headers })]).toEqual([page, ours ? 'ok' : NO]);
      // Never without the token.
      expect([page, await write({ cookie, ...headers })]).toEqual([page, NO]);
    }
  });

  test('can read, but only our own pages can see the answer', async () => {
    for (const [page, headers] of pages()) {
      const request = { cookie, ...headers };
      const { status, headers: answered } = await post(app, 'UsersService/TokenInfo', {}, request);
      expect([page, status]).toEqual([page, 200]);
      expect(answered.get('cross-origin-resource-policy')).toBe('same-origin');
      expect(answered.get('access-control-allow-origin')).toBeNull();
    }
  });

  test('is authenticated by its bearer token if there is one', async () => {
    const authorization = `Bearer ${accessToken}`;
    expect(await write({ cookie, authorization, 'sec-fetch-site': 'cross-site' })).toBe('ok');
    const wrong = { ...asBrowser(cookie), authorization: 'Bearer forage_a_wrong' };
    expect(await write(wrong)).toBe('unauthenticated');
    // A wrong bearer token does not end the cookie's session either.
    await post(app, 'SessionService/SignOut', {}, wrong);
    expect((await post(app, 'SessionService/GetSession', {}, { cookie })).body.session).toBeDefined();
  });
});

test('another site cannot sign in, set up, register or sign out a user', async () => {
  for (const [page, headers, ours] of pages()) {
    const answer = await signIn(headers);
    expect([page, answer.body.code ?? 'ok']).toEqual([page, ours ? 'ok' : NO]);
    if (!ours) expect(answer.headers.get('set-cookie')).toBeNull();
    const account = { username: `new-${++n}`, email: `new-${n}@example.com`, password: PASSWORD };
    for (const [method, request] of [
      ['SessionService/SetUp', { token: 'x', organisation: 'o', ...account }],
      ['UsersService/Login', { username, password: PASSWORD }],
      ['UsersService/Register', account],
      ['UsersService/Logout', { refreshToken: 'x' }],
    ] as const) {
      const { body } = await post(app, method, request, headers);
      expect([page, method, body.code === NO]).toEqual([page, method, !ours]);
    }
  }
});

test('behind a proxy that terminates TLS, both the public address and the requested host are ours', async () => {
  const proxied = await beside(app, { config: { publicUrl: PUBLIC } });
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

test('forms and links cannot reach methods that write', async () => {
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
