import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { noteServerTime, serverNow } from './clock.ts';

const noon = Date.parse('2026-03-01T12:00:00Z');
const header = (time: number) => new Date(time).toUTCString();

beforeEach(() => {
  vi.useFakeTimers({ now: noon });
});
afterEach(() => {
  noteServerTime(header(Date.now()), Date.now(), Date.now());
  vi.useRealTimers();
});

it('follows a server whose clock is five minutes ahead', () => {
  noteServerTime(header(noon + 300_000), noon - 200, noon);
  expect(Math.abs(serverNow() - (noon + 300_000))).toBeLessThan(1_000);
});

it.each([
  ['a difference below the header’s precision', header(noon - 1_000), noon - 100],
  ['an answer without a date', null, noon],
  ['an invalid date', 'yesterday', noon],
  ['an answer that took too long', header(noon + 300_000), noon - 5_000],
])('ignores %s', (_what, date, sentAt) => {
  noteServerTime(date, sentAt, noon);
  expect(serverNow()).toBe(noon);
});

it('does not jump back and forth with each answer', () => {
  noteServerTime(header(noon + 300_000), noon, noon);
  const first = serverNow();
  noteServerTime(header(noon + 301_000), noon, noon);
  expect(serverNow()).toBe(first);
});

it('follows a correction of this machine’s clock', () => {
  noteServerTime(header(noon + 300_000), noon, noon);
  noteServerTime(header(noon), noon, noon);
  expect(serverNow()).toBe(noon);
});
