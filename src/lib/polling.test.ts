// @vitest-environment jsdom
import { afterEach, describe, expect, test, vi } from 'vitest';
import { polling, staleSince } from './polling.ts';

afterEach(() => vi.restoreAllMocks());

const seen = (data: string | undefined) => ({ state: { data } });
const ended = (answer: string | undefined) => answer === 'ended';

describe('polling', () => {
  test('polls every 2 s until the end, also before the first answer', () => {
    expect(polling(ended).refetchInterval(seen('active'))).toBe(2_000);
    expect(polling(ended).refetchInterval(seen(undefined))).toBe(2_000);
    expect(polling(ended, 5_000).refetchInterval(seen('active'))).toBe(5_000);
  });

  test('polls more often while the last answer says so', () => {
    const { refetchInterval } = polling(ended, (answer) => (answer === 'active' ? 2_000 : 10_000));
    expect(refetchInterval(seen('active'))).toBe(2_000);
    expect(refetchInterval(seen('quiet'))).toBe(10_000);
  });

  test('polls every 30 s while the window is hidden', () => {
    vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden');
    expect(polling(ended).refetchInterval(seen('active'))).toBe(30_000);
  });

  test('stops at the end, hidden or not', () => {
    expect(polling(ended).refetchInterval(seen('ended'))).toBe(false);
    vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden');
    expect(polling(ended).refetchInterval(seen('ended'))).toBe(false);
  });
});

test('polls in the background, and immediately when the window is visible again, until the end', () => {
  const options = polling(ended);
  expect(options.refetchIntervalInBackground).toBe(true);
  expect(options.refetchOnWindowFocus(seen('active'))).toBe('always');
  expect(options.refetchOnWindowFocus(seen('ended'))).toBe(false);
});

test('data is stale from the first failure on', () => {
  const at = Date.UTC(2026, 0, 2);
  expect(staleSince({ isError: false, failureCount: 0, dataUpdatedAt: at })).toBeNull();
  expect(staleSince({ isError: false, failureCount: 1, dataUpdatedAt: at })).toEqual(new Date(at));
  expect(staleSince({ isError: true, failureCount: 3, dataUpdatedAt: at })).toEqual(new Date(at));
  expect(staleSince({ isError: true, failureCount: 3, dataUpdatedAt: 0 })).toBeNull();
});
