import { expect, test } from 'vitest';
import { firstPassword } from './first-password.ts';

test('a first password is long, readable, and another each time', () => {
  const passwords = Array.from({ length: 200 }, firstPassword);
  for (const password of passwords) expect(password).toMatch(/^([a-km-np-z2-9]{5}-){3}[a-km-np-z2-9]{5}$/);
  expect(new Set(passwords).size).toBe(passwords.length);
  // Every letter comes up: 4,000 draws of 32.
  expect(new Set(passwords.join('').replaceAll('-', '')).size).toBe(32);
});
