import { parseOptions } from '@node-rs/argon2';
import { expect, test } from 'vitest';
import { Failure } from '#server/failure.ts';
import { RequestScope, withinRequest } from '#server/request-scope.ts';
import { hashPassword, UNUSABLE_HASH, verifyPassword } from './password.ts';

test('a password is stored as argon2id with 19 MiB, and only the same password verifies', async () => {
  const kept = await hashPassword('correct horse battery');
  expect(kept).toMatch(/^\$argon2id\$/);
  expect(parseOptions(kept)).toMatchObject({ memoryCost: 19_456, timeCost: 2, parallelism: 1 });
  expect(kept).not.toBe(await hashPassword('correct horse battery'));
  expect(await verifyPassword(kept, 'correct horse battery')).toBe(true);
  expect(await verifyPassword(kept, 'correct horse batterz')).toBe(false);
  expect(await verifyPassword(kept, '')).toBe(false);
});

test('equivalent code points are the same password', async () => {
  const kept = await hashPassword('caf\u00e9 au lait noir');
  expect(await verifyPassword(kept, 'cafe\u0301 au lait noir')).toBe(true);
});

test('a missing hash never verifies, after the same work', async () => {
  expect(await verifyPassword(null, 'correct horse battery')).toBe(false);
  expect(parseOptions(UNUSABLE_HASH)).toEqual(parseOptions(await hashPassword('correct horse battery')));
});

test('a full queue refuses further passwords, with the time to retry', async () => {
  const flood = Array.from({ length: 60 }, () => verifyPassword(null, 'x'));
  const results = await Promise.allSettled(flood);
  const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
  expect(refused).toHaveLength(8);
  for (const reason of refused) {
    expect(reason).toBeInstanceOf(Failure);
    expect(reason).toMatchObject({ kind: 'resource_exhausted', retryAfterSeconds: 3 });
  }
});

test('abandoned requests are not processed', async () => {
  const leave = new AbortController();
  const before = [verifyPassword(null, 'x'), verifyPassword(null, 'x')];
  const left = withinRequest(Object.assign(new RequestScope('x'), { signal: leave.signal }), () =>
    verifyPassword(null, 'x'),
  );
  leave.abort(new Error('left'));
  await expect(left).rejects.toThrow('left');
  expect(await Promise.all(before)).toEqual([false, false]);
});
