import { expect, test } from 'vitest';
import type { OidcProvider } from '#server/oidc-config.ts';
import { domainOf, requireAllowed, usernames } from './claims.ts';
import { SignInProblem } from './problem.ts';
import type { Source } from './provider.ts';

const USERNAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

test.each([
  ['ada', 'x@example.com', 'ada'],
  ['ada@corp.example', 'x@example.com', 'ada'],
  [null, 'grace.hopper@example.com', 'grace.hopper'],
  ['', 'grace@example.com', 'grace'],
  ['José Núñez', 'x@example.com', 'Jose-Nunez'],
  ['../../etc', 'x@example.com', 'etc'],
  ['李', '李@example.com', 'user'],
  ['a'.repeat(300), 'x@example.com', 'a'.repeat(58)],
  ['<script>', 'x@example.com', 'script'],
])('the username for %j with the address %s is %s', (preferred, email, expected) => {
  const names = usernames(preferred, email, 'R4ndom_x');
  expect(names[0]).toBe(expected);
  expect(names[1]).toBe(`${expected}-2`);
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(USERNAME);
});

test.each([
  ['ada@example.com', 'example.com'],
  ['Ada@Example.COM', 'example.com'],
  ['ada@sub.example.com', 'sub.example.com'],
  ['ada@evil.example@example.com', null],
  ['ada@example', null],
  ['@example.com', null],
  ['ada @example.com', null],
  ['ada@example.com\n', null],
  // Ends in a Kelvin sign, which is a `k` in lower case.
  ['ada@example.\u212A', null],
  ['ada@b\u212A.example', null],
  ['', null],
])('the domain of %j is %s', (email, domain) => expect(domainOf(email)).toBe(domain));

const PROVIDER: OidcProvider = {
  id: 'acme',
  name: 'Acme',
  issuer: 'https://login.example.com',
  clientId: 'forage',
  clientSecret: null,
  allowedDomains: ['example.com'],
  trustEmail: false,
  scopes: 'openid email profile',
};
const ADDRESS = { email: 'ada@example.com' };
const identity = (idToken: Source, userInfo: Source | null = null, provider: Partial<OidcProvider> = {}) =>
  requireAllowed(
    { ...PROVIDER, ...provider },
    { issuer: PROVIDER.issuer, subject: '1', idToken: { sub: '1', ...idToken }, userInfo },
  );
function refusalOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof SignInProblem && error.cause instanceof Error) return error.cause.message;
    throw error;
  }
  throw new Error('It was accepted');
}

/* The shapes of the tokens that providers send to a new client with the scopes `openid email profile`, by their documentation. */
test.each<[provider: string, idToken: Source, userInfo: Source | null]>([
  ['Google', { ...ADDRESS, email_verified: true, hd: 'example.com' }, null],
  ['Keycloak', { ...ADDRESS, email_verified: true, preferred_username: 'ada' }, null],
  ['Auth0', { ...ADDRESS, email_verified: true, nickname: 'ada' }, null],
  ['Dex', { ...ADDRESS, email_verified: true, groups: [] }, null],
  // The ID token of the code flow is short.
  ['Okta', {}, { sub: '1', ...ADDRESS, email_verified: true, preferred_username: 'ada@example.com' }],
  ['GitLab', {}, { sub: '1', ...ADDRESS, email_verified: true, groups: [] }],
  ['Amazon Cognito', { ...ADDRESS, email_verified: true, 'cognito:username': 'ada' }, null],
  ['Amazon Cognito by the user info', {}, { sub: '1', ...ADDRESS, email_verified: 'true' }],
  ['Microsoft Entra ID with the optional claim', { ...ADDRESS, xms_edov: true }, { sub: '1', ...ADDRESS }],
  ['Microsoft Entra ID with the claim as text', { ...ADDRESS, xms_edov: '1' }, { sub: '1', ...ADDRESS }],
  ['one that marks it in the user info only', ADDRESS, { sub: '1', ...ADDRESS, email_verified: true }],
])('accepts the verified address of %s', (_, idToken, userInfo) => {
  expect(identity(idToken, userInfo)).toMatchObject({ email: 'ada@example.com', domain: 'example.com' });
});

test.each<[Source, Source | null, string]>([
  [{}, null, 'email is missing (ID token: sub; no user info)'],
  [{}, { sub: '1', name: 'Ada' }, 'email is missing (ID token: sub; user info: name sub)'],
  [ADDRESS, { sub: '1' }, 'email_verified is missing (ID token: email sub; user info: sub)'],
  [
    { ...ADDRESS, email_verified: false },
    null,
    'email_verified is false (ID token: email email_verified sub',
  ],
  [{ ...ADDRESS, email_verified: 'false' }, null, 'email_verified is "false"'],
  [{ ...ADDRESS, email_verified: 'yes' }, null, 'email_verified is "yes"'],
  [{ ...ADDRESS, email_verified: null }, null, 'email_verified is null'],
  [{ ...ADDRESS, xms_edov: 0 }, null, 'xms_edov is 0'],
  // About another address.
  [ADDRESS, { sub: '1', email: 'other@example.com', email_verified: true }, 'email_verified is missing'],
])('refuses %j with %j, and says for the log what came', (idToken, userInfo, words) => {
  const refusal = refusalOf(() => identity(idToken, userInfo));
  expect(refusal).toContain(words);
  expect(refusal).not.toContain('ada@');
});

test('an operator can vouch for the addresses of the allowed domains, of which the provider says nothing', () => {
  const trust = { trustEmail: true };
  expect(identity(ADDRESS, null, trust)).toMatchObject({ email: 'ada@example.com' });
  expect(() => identity({ email: 'ada@other.example' }, null, trust)).toThrow('domain_not_allowed');
  expect(refusalOf(() => identity({ ...ADDRESS, email_verified: false }, null, trust))).toContain('is false');
});
