import { parseOptions } from '@node-rs/argon2';
import { expect, test } from 'vitest';
import { hashPassword, verifyPassword } from './password.ts';

test('a password is kept as argon2id with 19 MiB, and only the password itself verifies', async () => {
  const kept = await hashPassword('correct horse battery');
  expect(kept).toMatch(/^\$argon2id\$/);
  expect(parseOptions(kept)).toMatchObject({ memoryCost: 19_456, timeCost: 2, parallelism: 1 });
  expect(kept).not.toBe(await hashPassword('correct horse battery'));
  expect(await verifyPassword(kept, 'correct horse battery')).toBe(true);
  expect(await verifyPassword(kept, 'correct horse batterz')).toBe(false);
  expect(await verifyPassword(kept, '')).toBe(false);
});

test('the same letters as other code points are the same password', async () => {
  const kept = await hashPassword('caf\u00e9 au lait noir');
  expect(await verifyPassword(kept, 'cafe\u0301 au lait noir')).toBe(true);
});

test('without a hash nothing verifies', async () => {
  expect(await verifyPassword(null, 'correct horse battery')).toBe(false);
});
