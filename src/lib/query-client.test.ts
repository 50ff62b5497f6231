import { Code, ConnectError } from '@connectrpc/connect';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createQueryClient } from './query-client.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Queries a server that fails with these in turn and then answers; resolves with the seconds of its attempts. */
async function askedAt(...failures: readonly unknown[]): Promise<{ seconds: number[]; failed: boolean }> {
  const began = Date.now();
  const seconds: number[] = [];
  const left = [...failures];
  const answer = createQueryClient().fetchQuery({
    queryKey: ['one'],
    queryFn: () => {
      seconds.push((Date.now() - began) / 1_000);
      const failure = left.shift();
      if (failure !== undefined) throw failure;
      return 'an answer';
    },
    // `fetchQuery` does not retry by default, unlike all other queries.
    ...createQueryClient().getDefaultOptions().queries,
  });
  const ended = answer.then(
    () => false,
    () => true,
  );
  await vi.advanceTimersByTimeAsync(120_000);
  return { seconds, failed: await ended };
}

const busy = (seconds: string) =>
  new ConnectError('too many requests', Code.ResourceExhausted, { 'retry-after': seconds });

test('retries after a rate limit when the server says', async () => {
  expect(await askedAt(busy('7'))).toEqual({ seconds: [0, 7], failed: false });
  expect(await askedAt(busy('7'), busy('3'))).toEqual({ seconds: [0, 7, 10], failed: false });
  expect(await askedAt(busy('7'), busy('7'), busy('7'))).toEqual({ seconds: [0, 7, 14], failed: true });
});

test('retries an unavailable server with backoff', async () => {
  const away = new ConnectError('away', Code.Unavailable);
  expect(await askedAt(away, away)).toEqual({ seconds: [0, 0.5, 1.5], failed: false });
});

test('does not retry a refusal', async () => {
  const tooLarge = new ConnectError('too large', Code.ResourceExhausted);
  for (const refused of [tooLarge, busy('soon'), new ConnectError('no', Code.NotFound)])
    expect(await askedAt(refused)).toEqual({ seconds: [0], failed: true });
});
