import { expect, test } from 'vitest';
import { problemIn, problemWords } from './problem-words.ts';

test('an address without a problem tells of none', () => {
  expect(problemIn(new URLSearchParams(''))).toBeNull();
  expect(problemIn(new URLSearchParams('next=/orgs/x'))).toBeNull();
});

test('only what an id can hold is taken from an address', () => {
  const good = new URLSearchParams({ problem: 'expired', provider: 'acme', request: '0192-ab' });
  expect(problemIn(good)).toEqual({ code: 'expired', provider: 'acme', request: '0192-ab' });
  const bad = new URLSearchParams({ problem: 'x', provider: '<b>', request: 'call 0800 now' });
  expect(problemIn(bad)).toEqual({ code: 'x', provider: '', request: '' });
});

test.each([
  ['cancelled', /Acme/],
  ['email_taken', /connect Acme under Account/],
  ['domain_not_allowed', /Acme .* does not let in/],
  ['of_tomorrow', /did not work/],
  ['constructor', /did not work/],
])('%s has words', (code, expected) => expect(problemWords(code, 'Acme')).toMatch(expected));
