import { expect, test } from 'vitest';
import { paths } from '#src/config/paths.ts';
import { safeNextPath } from './next-path.ts';

test.each([
  ['/orgs/acme/projects/checkout', '/orgs/acme/projects/checkout'],
  ['/orgs/acme?page=2#policy-requirements', '/orgs/acme?page=2#policy-requirements'],
  ['/orgs/a%2Fb/projects/%2e%2ehidden', '/orgs/a%2Fb/projects/%2e%2ehidden'],
  ['/', '/'],
  [null, '/'],
  ['', '/'],
  ['orgs/acme', '/'],
  ['https://evil.example/', '/'],
  ['//evil.example/', '/'],
  ['///evil.example/', '/'],
  ['/\\evil.example/', '/'],
  ['/\t/evil.example/', '/'],
  ['/\n/evil.example', '/'],
  ['/x/..//evil.example', '/'],
  ['/.//evil.example', '/'],
  ['javascript:alert(1)', '/'],
  [' /orgs', '/'],
  ['/sign-in?next=/sign-in', '/'],
  ['/set-up?token=x', '/'],
])('next=%j leads to %s', (next, expected) => {
  const path = safeNextPath(next);
  expect(path).toBe(expected);
  expect(new URL(path, 'https://forage.example').origin).toBe('https://forage.example');
});

test('a path survives the sign-in page’s address', () => {
  const address = `${paths.policy('acme', 'checkout', 'a & b / c?')}?x=1&y=2#part`;
  const next = new URL(paths.signIn(address), 'https://forage.example').searchParams.get('next');
  expect(safeNextPath(next)).toBe(address);
});
