import { parseOptions } from '@node-rs/argon2';
import { expect, test } from 'vitest';
import { Failure } from '#server/failure.ts';
import { RequestScope, withinRequest } from '#server/request-scope.ts';
import { hashPassword, UNUSABLE_HASH, verifyPassword } from './password.ts';

test('a password is stored as argon2id with 19 MiB, and only the same password verifies', async () => {
  const kept = await hashPassword('correct horse battery', false);
  expect(kept).toMatch(/^\$argon2id\$/);
  expect(parseOptions(kept)).toMatchObject({ memoryCost: 19_456, timeCost: 2, parallelism: 1 });
  expect(kept).not.toBe(await hashPassword('correct horse battery', false));
  expect(await verifyPassword(kept, 'correct horse battery', false)).toBe(true);
  expect(await verifyPassword(kept, 'correct horse batterz', false)).toBe(false);
  expect(await verifyPassword(kept, '', false)).toBe(false);
});

test('equivalent code points are the same password', async () => {
  const kept = await hashPassword('caf\u00e9 au lait noir', false);
  expect(await verifyPassword(kept, 'cafe\u0301 au lait noir', false)).toBe(true);
});

test('a missing hash never verifies, after the same work', async () => {
  expect(await verifyPassword(null, 'correct horse battery', false)).toBe(false);
  expect(parseOptions(UNUSABLE_HASH)).toEqual(
    parseOptions(await hashPassword('correct horse battery', false)),
  );
});

const from = <T>(address: string, work: () => Promise<T>) =>
  withinRequest(new RequestScope('x', address), work);

const refusalsOf = async (calls: readonly Promise<unknown>[]) =>
  (await Promise.allSettled(calls)).flatMap((result) =>
    result.status === 'rejected' ? [result.reason] : [],
  );

test('one network cannot fill the queue, and is told when to retry', async () => {
  const flood = Array.from({ length: 60 }, () => from('2001:db8::1', () => verifyPassword(null, 'x', false)));
  const beside = [
    from('192.0.2.1', () => verifyPassword(null, 'x', false)),
    from('192.0.2.2', () => hashPassword('x', false)),
  ];
  const refused = await refusalsOf(flood);
  // Ten wait, and one runs unless its place still rests after the test before.
  expect([49, 50]).toContain(refused.length);
  for (const reason of refused) {
    expect(reason).toBeInstanceOf(Failure);
    expect(reason).toMatchObject({ kind: 'resource_exhausted', retryAfterSeconds: 3 });
  }
  expect(await refusalsOf(beside)).toEqual([]);
});

test('strangers from many networks do not take the places of known accounts', async () => {
  const kept = await hashPassword('correct horse battery', true);
  const strangers = Array.from({ length: 80 }, (_, n) =>
    from(`192.0.2.${n}`, () => verifyPassword(null, 'x', false)),
  );
  const known = from('198.51.100.1', () => verifyPassword(kept, 'correct horse battery', true));
  // Settled when the known one is: it does not wait for all strangers.
  let settled = 0;
  for (const one of strangers)
    void one.then(
      () => settled++,
      () => {},
    );
  expect(await known).toBe(true);
  expect(settled).toBeLessThan(10);
  // 50 wait, and one runs unless its place still rests.
  expect([29, 30]).toContain((await refusalsOf(strangers)).length);
});

test('abandoned requests are not processed', async () => {
  const leave = new AbortController();
  const before = [verifyPassword(null, 'x', false), verifyPassword(null, 'x', false)];
  const left = withinRequest(Object.assign(new RequestScope('x'), { signal: leave.signal }), () =>
    verifyPassword(null, 'x', false),
  );
  leave.abort(new Error('left'));
  await expect(left).rejects.toThrow('left');
  expect(await Promise.all(before)).toEqual([false, false]);
});
