import { expect, test } from 'vitest';
import type { AppContext } from '#server/context.ts';
import { DatabaseFailure } from '#server/db/database-failure.ts';
import { DeliveryLost, persistently } from './persistence.ts';

/** A clock whose waits are over at once, and are written down. */
function impatient() {
  const waited: number[] = [];
  const clock = {
    now: () => new Date(0),
    sleep: async (milliseconds: number) => {
      waited.push(milliseconds);
    },
  };
  return { app: { clock } as unknown as AppContext, waited };
}

const failing = (times: number, error: Error) => {
  let left = times;
  return async () => {
    left--;
    if (left >= 0) throw error;
    return 'done';
  };
};

test('waits longer and longer, up to a second, until the database is there', async () => {
  const { app, waited } = impatient();
  const work = failing(7, new DatabaseFailure('away'));
  expect(await persistently(app, new AbortController().signal, work)).toBe('done');
  expect(waited).toEqual([50, 100, 200, 400, 800, 1_000, 1_000]);
});

test('does not repeat what failed by itself', async () => {
  const { app, waited } = impatient();
  const work = failing(1, new Error('a fault of ours'));
  await expect(persistently(app, new AbortController().signal, work)).rejects.toThrow('a fault of ours');
  expect(waited).toEqual([]);
});

test('gives up when the delivery is no longer this server’s', async () => {
  const { app } = impatient();
  const abort = new AbortController();
  const work = async () => {
    abort.abort();
    throw new DatabaseFailure('unknown_outcome');
  };
  await expect(persistently(app, abort.signal, work)).rejects.toThrow(DeliveryLost);
});
