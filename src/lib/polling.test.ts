// @vitest-environment jsdom
import { afterEach, describe, expect, test, vi } from 'vitest';
import { polling, pollUntil, staleSince } from './polling.ts';

afterEach(() => vi.restoreAllMocks());

const seen = (data: string | undefined) => ({ state: { data } });
const ended = (answer: string | undefined) => answer === 'ended';

describe('pollUntil', () => {
  test('asks every two seconds while something can change, also before the first answer', () => {
    expect(pollUntil(ended)(seen('active'))).toBe(2_000);
    expect(pollUntil(ended)(seen(undefined))).toBe(2_000);
    expect(pollUntil(ended, 5_000)(seen('active'))).toBe(5_000);
  });

  test('asks every thirty seconds while the window is hidden', () => {
    vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden');
    expect(pollUntil(ended)(seen('active'))).toBe(30_000);
  });

  test('asks no more once it has ended, hidden or not', () => {
    expect(pollUntil(ended)(seen('ended'))).toBe(false);
    vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden');
    expect(pollUntil(ended)(seen('ended'))).toBe(false);
  });
});

test('polling goes on in the background and looks at once when the window comes back, until the end', () => {
  const options = polling(ended);
  expect(options.refetchIntervalInBackground).toBe(true);
  expect(options.refetchOnWindowFocus(seen('active'))).toBe('always');
  expect(options.refetchOnWindowFocus(seen('ended'))).toBe(false);
});

test('what is shown is out of date from the first failure on, if anything is shown', () => {
  const at = Date.UTC(2026, 0, 2);
  expect(staleSince({ isError: false, failureCount: 0, dataUpdatedAt: at })).toBeNull();
  expect(staleSince({ isError: false, failureCount: 1, dataUpdatedAt: at })).toEqual(new Date(at));
  expect(staleSince({ isError: true, failureCount: 3, dataUpdatedAt: at })).toEqual(new Date(at));
  expect(staleSince({ isError: true, failureCount: 3, dataUpdatedAt: 0 })).toBeNull();
});
