import { expect, test } from 'vitest';
import { firstPassword } from './first-password.ts';

test('creates long, readable and different passwords', () => {
  const passwords = Array.from({ length: 200 }, firstPassword);
  for (const password of passwords) expect(password).toMatch(/^([a-km-np-z2-9]{5}-){3}[a-km-np-z2-9]{5}$/);
  expect(new Set(passwords).size).toBe(passwords.length);
  // All 32 letters occur in 4,000 draws.
  expect(new Set(passwords.join('').replaceAll('-', '')).size).toBe(32);
});
