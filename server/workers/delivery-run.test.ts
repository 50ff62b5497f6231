import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { DatabaseFailure } from '#server/db/database-failure.ts';
import { DeliveryLost, retryUntilStored } from './delivery-run.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const neverAborted = new AbortController().signal;

test('retries with increasing pauses, up to a second, until the database is available', async () => {
  const attempts: number[] = [];
  const began = Date.now();
  const stored = retryUntilStored(neverAborted, async () => {
    attempts.push(Date.now() - began);
    if (attempts.length < 8) throw new DatabaseFailure('unavailable');
    return 'done';
  });
  await vi.runAllTimersAsync();
  expect(await stored).toBe('done');
  expect(attempts).toEqual([0, 50, 150, 350, 750, 1_550, 2_550, 3_550]);
});

test('does not retry an error of the program', async () => {
  const work = vi.fn().mockRejectedValue(new Error('a bug'));
  await expect(retryUntilStored(neverAborted, work)).rejects.toThrow('a bug');
  expect(work).toHaveBeenCalledOnce();
});

test('stops when another server owns the delivery', async () => {
  const abort = new AbortController();
  const stored = retryUntilStored(abort.signal, async () => {
    abort.abort(new DeliveryLost('taken over'));
    throw new DatabaseFailure('unknown_outcome');
  });
  await expect(stored).rejects.toThrow(DeliveryLost);
});
