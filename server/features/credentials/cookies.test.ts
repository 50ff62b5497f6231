import { expect, test } from 'vitest';
import { clearedSessionCookie, cookieIsSecure, sessionCookie, sessionSecretOf } from './cookies.ts';

const sent = (cookie: string) => new Headers({ cookie: `theme=dark; ${cookie.split(';')[0]}` });

test('the session cookie is HttpOnly and SameSite, and is read back unchanged', () => {
  const cookie = sessionCookie('forage_s_abc-_', new Date('2030-01-02T03:04:05Z'), false);
  expect(cookie).toMatch(/^forage_session=forage_s_abc-_; /);
  expect(cookie).toContain('HttpOnly');
  expect(cookie).toContain('Path=/');
  expect(cookie).toContain('SameSite=Lax');
  expect(cookie).toContain('Expires=Wed, 02 Jan 2030 03:04:05 GMT');
  expect(cookie).not.toContain('Secure');
  expect(sessionSecretOf(sent(cookie), false)).toBe('forage_s_abc-_');
});

test('with HTTPS the cookie is bound to the host, and a cookie without the prefix is ignored', () => {
  const cookie = sessionCookie('forage_s_x', new Date('2030-01-02T03:04:05Z'), true);
  expect(cookie).toMatch(/^__Host-forage_session=forage_s_x; /);
  expect(cookie).toContain('Secure');
  expect(cookie).toContain('Path=/');
  expect(cookie).not.toContain('Domain');
  expect(sessionSecretOf(sent(cookie), true)).toBe('forage_s_x');
  expect(sessionSecretOf(sent('forage_session=planted'), true)).toBeNull();
  const both = new Headers({ cookie: `forage_session=planted; ${cookie.split(';')[0]}` });
  expect(sessionSecretOf(both, true)).toBe('forage_s_x');
});

test('a request without the cookie has no secret', () => {
  expect(sessionSecretOf(new Headers(), false)).toBeNull();
  expect(sessionSecretOf(new Headers({ cookie: 'theme=dark' }), false)).toBeNull();
});

const tls = { cert: 'cert.pem', key: 'key.pem' };
test.each([
  [null, null, false],
  [null, tls, true],
  ['https://forage.example.com', null, true],
  ['http://forage.example.com', null, false],
])('with the public address %s and the certificate %o, Secure is %s', (publicUrl, certificate, secure) => {
  expect(cookieIsSecure({ publicUrl, tls: certificate })).toBe(secure);
});

test('clearing the cookie expires it at once', () => {
  expect(clearedSessionCookie(true)).toMatch(/^__Host-forage_session=; .*Max-Age=0/);
  expect(clearedSessionCookie(true)).toContain('Expires=Thu, 01 Jan 1970');
  expect(clearedSessionCookie(true)).toContain('Secure');
});
