import { expect, test } from 'vitest';
import { returnPath } from './http-handlers.ts';

test.each(['/', '/orgs/acme', '/orgs/acme/projects/shop/releases/x?tab=1#policy-requirements'])(
  '%s is accepted as a return path',
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
])('%j is replaced by the start page', (path) => expect(returnPath(path)).toBe('/'));
