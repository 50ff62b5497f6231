import { parseOptions } from '@node-rs/argon2';
import { expect, test } from 'vitest';
import { Failure } from '#server/failure.ts';
import { withinRequest } from '#server/request-scope.ts';
import { hashPassword, NOBODYS_HASH, verifyPassword } from './password.ts';

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

test('without a hash nothing verifies, after the same work as with one', async () => {
  expect(await verifyPassword(null, 'correct horse battery')).toBe(false);
  expect(parseOptions(NOBODYS_HASH)).toEqual(parseOptions(await hashPassword('correct horse battery')));
});

test('a flood waits in a short line; who finds it full is told when to come again', async () => {
  const flood = Array.from({ length: 60 }, () => verifyPassword(null, 'x'));
  const results = await Promise.allSettled(flood);
  const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
  expect(refused).toHaveLength(8);
  for (const reason of refused) {
    expect(reason).toBeInstanceOf(Failure);
    expect(reason).toMatchObject({ kind: 'resource_exhausted', retryAfterSeconds: 3 });
  }
});

test('who leaves the line is not worked for', async () => {
  const leave = new AbortController();
  const before = [verifyPassword(null, 'x'), verifyPassword(null, 'x')];
  const left = withinRequest({ requestId: 'x', signal: leave.signal, address: null }, () =>
    verifyPassword(null, 'x'),
  );
  leave.abort(new Error('left'));
  await expect(left).rejects.toThrow('left');
  expect(await Promise.all(before)).toEqual([false, false]);
});
