import { Code, ConnectError } from '@connectrpc/connect';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createQueryClient } from './query-client.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Asks a server that fails with these, one after the other, and then answers; gives the seconds at which it was asked. */
async function askedAt(...failures: readonly unknown[]): Promise<{ seconds: number[]; failed: boolean }> {
  const began = Date.now();
  const seconds: number[] = [];
  const left = [...failures];
  const asked = createQueryClient().fetchQuery({
    queryKey: ['one'],
    queryFn: () => {
      seconds.push((Date.now() - began) / 1_000);
      const failure = left.shift();
      if (failure !== undefined) throw failure;
      return 'an answer';
    },
    // `fetchQuery` asks once unless it is told otherwise: the rule of all other queries.
    ...createQueryClient().getDefaultOptions().queries,
  });
  const ended = asked.then(
    () => false,
    () => true,
  );
  await vi.advanceTimersByTimeAsync(120_000);
  return { seconds, failed: await ended };
}

const busy = (seconds: string) =>
  new ConnectError('too many requests', Code.ResourceExhausted, { 'retry-after': seconds });

test('a server that says when to ask again is asked then', async () => {
  expect(await askedAt(busy('7'))).toEqual({ seconds: [0, 7], failed: false });
  expect(await askedAt(busy('7'), busy('3'))).toEqual({ seconds: [0, 7, 10], failed: false });
  expect(await askedAt(busy('7'), busy('7'), busy('7'))).toEqual({ seconds: [0, 7, 14], failed: true });
});

test('a server that is away is asked again soon, and then less soon', async () => {
  const away = new ConnectError('away', Code.Unavailable);
  expect(await askedAt(away, away)).toEqual({ seconds: [0, 0.5, 1.5], failed: false });
});

test('what is refused for good is not asked again', async () => {
  const tooLarge = new ConnectError('too large', Code.ResourceExhausted);
  for (const refused of [tooLarge, busy('soon'), new ConnectError('no', Code.NotFound)])
    expect(await askedAt(refused)).toEqual({ seconds: [0], failed: true });
});
