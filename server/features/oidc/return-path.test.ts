import { expect, test } from 'vitest';
import { returnPath } from './return-path.ts';

test.each(['/', '/orgs/acme', '/orgs/acme/projects/shop/releases/x?tab=1#policy-requirements'])(
  '%s is a path of ours',
  (path) => expect(returnPath(path)).toBe(path),
);

test.each([
  null,
  '',
  'orgs/acme',
  'https://evil.example/',
  '//evil.example',
  '///evil.example',
  '/\\evil.example',
  '/.//evil.example',
  '/orgs/../..//evil.example',
  '/\t/evil.example',
  '/\n/evil.example',
  '/ok\r\nset-cookie: a=b',
  'javascript:alert(1)',
  '/sign-in?next=/',
  '/set-up',
  '/auth/oidc/acme/start',
  `/${'a'.repeat(2000)}`,
])('%j leads to the start page', (path) => expect(returnPath(path)).toBe('/'));
