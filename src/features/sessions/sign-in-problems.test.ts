import { expect, test } from 'vitest';
import { problemIn, problemMessage } from './sign-in-problems.ts';

test('an address without a problem has none', () => {
  expect(problemIn(new URLSearchParams(''))).toBeNull();
  expect(problemIn(new URLSearchParams('next=/orgs/x'))).toBeNull();
});

test('only ids are read from an address', () => {
  const good = new URLSearchParams({ problem: 'expired', provider: 'acme', request: '0192-ab' });
  expect(problemIn(good)).toEqual({ code: 'expired', provider: 'acme', request: '0192-ab' });
  const bad = new URLSearchParams({ problem: 'x', provider: '<b>', request: 'call 0800 now' });
  expect(problemIn(bad)).toEqual({ code: 'x', provider: '', request: '' });
});

test.each([
  ['cancelled', /Acme/],
  ['email_taken', /connect Acme under Account/],
  ['domain_not_allowed', /Acme is not allowed/],
  ['of_tomorrow', /Sign-in failed/],
  ['constructor', /Sign-in failed/],
])('%s has a message', (code, expected) => expect(problemMessage(code, 'Acme')).toMatch(expected));
