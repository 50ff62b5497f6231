import { expect, test } from 'vitest';
import { clearedSessionCookie, cookieIsSecure, sessionCookie, sessionSecretOf } from './session-cookie.ts';

test('a session cookie is out of reach of scripts and of foreign pages, and comes back as it was', () => {
  const cookie = sessionCookie('forage_s_abc-_', new Date('2030-01-02T03:04:05Z'), false);
  expect(cookie).toMatch(/^forage_session=forage_s_abc-_; /);
  expect(cookie).toContain('HttpOnly');
  expect(cookie).toContain('Path=/');
  expect(cookie).toContain('SameSite=Lax');
  expect(cookie).toContain('Expires=Wed, 02 Jan 2030 03:04:05 GMT');
  expect(cookie).not.toContain('Secure');
  const sent = `theme=dark; ${cookie.split(';')[0]}`;
  expect(sessionSecretOf(new Headers({ cookie: sent }))).toBe('forage_s_abc-_');
});

test('no cookie, no secret', () => {
  expect(sessionSecretOf(new Headers())).toBeNull();
  expect(sessionSecretOf(new Headers({ cookie: 'theme=dark' }))).toBeNull();
});

test.each([
  [null, 'http://127.0.0.1:8080/', false],
  [null, 'https://127.0.0.1:8080/', true],
  ['https://forage.example.com', 'http://127.0.0.1:8080/', true],
  ['http://forage.example.com', 'http://127.0.0.1:8080/', false],
])('with the public address %s and a request to %s, Secure is %s', (publicUrl, requestUrl, secure) => {
  expect(cookieIsSecure(publicUrl, requestUrl)).toBe(secure);
  expect(sessionCookie('x', new Date(), secure).includes('Secure')).toBe(secure);
});

test('clearing the cookie makes it end at once', () => {
  expect(clearedSessionCookie(true)).toMatch(/^forage_session=; .*Max-Age=0/);
  expect(clearedSessionCookie(true)).toContain('Expires=Thu, 01 Jan 1970');
  expect(clearedSessionCookie(true)).toContain('Secure');
});
