import { expect, test } from 'vitest';
import { passwordProblem } from './password-rule.ts';

const owner = { username: 'alex.reviewer', email: 'alex.r@example.com', organisations: ['northwind'] };

test.each([
  'administrator',
  '123456789012',
  'Administrator',
  'QWERTY123456',
  'password2027!',
  '!!!Password!!!!',
  'aaaaaaaaaaaa',
  'abcdabcdabcd',
  'abcabcabcabcab',
  'alex.reviewer',
  'ALEX.Reviewer1',
  'reviewer-reviewer',
  'alex.r@example.com',
  'forage-forage-1',
  'Northwind2027',
  'northwindforage',
  'ｎｏｒｔｈｗｉｎｄ２０２７',
])('%s is easy to guess', (password) => {
  expect(passwordProblem(password, owner)).toMatch(/^must not /);
});

test.each([
  'correct horse battery staple',
  'a long enough password',
  'a completely other staple',
  'Xk4-nOrthwind-river-oboe',
  'tr0ub4dor&3-and-more',
  'снег идёт с утра',
])('%s is accepted', (password) => {
  expect(passwordProblem(password, owner)).toBeNull();
});

test('short and empty names are ignored', () => {
  expect(passwordProblem('ann plays the oboe', { username: 'ann', email: null })).toBeNull();
  expect(passwordProblem('a river and an oboe', { username: '', email: '' })).toBeNull();
});
