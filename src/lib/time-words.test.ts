import { describe, expect, test } from 'vitest';
import { expiryTime } from './expiry-words.ts';
import { exactTime, relativeTime, shortEnd, shortTime, timeOf } from './time-words.ts';

/** Tuesday. */
const now = new Date(2026, 10, 24, 12, 0).getTime();

describe('shortTime', () => {
  test.each([
    ['today', new Date(2026, 10, 24, 10, 12, 59), '10:12'],
    ['later today', new Date(2026, 10, 24, 18, 0), '18:00'],
    ['after midnight', new Date(2026, 10, 25, 0, 5), 'Wed 00:05'],
    ['this week', new Date(2026, 10, 18, 10, 12), 'Wed 10:12'],
    ['a week ago', new Date(2026, 10, 17, 10, 12), '17 Nov 10:12'],
    ['next week', new Date(2026, 11, 1, 10, 12), '1 Dec 10:12'],
    ['another year', new Date(2027, 1, 28, 10, 12), '28 Feb 2027 10:12'],
  ])('%s', (_, time, expected) => {
    expect(shortTime(time, now)).toBe(expected);
  });
});

test('an end is over by the time shown', () => {
  expect(shortEnd(new Date(2026, 10, 24, 17, 59, 1), now)).toBe('18:00');
  expect(shortEnd(new Date(2026, 10, 24, 23, 59, 1), now)).toBe('Wed 00:00');
  expect(shortEnd(new Date(2026, 10, 24, 18, 0), now)).toBe('18:00');
});

test('an expiry is a date with its year, or a time when it is near', () => {
  expect(expiryTime(new Date(2027, 1, 28), now)).toBe('28 Feb 2027');
  expect(expiryTime(new Date(2026, 10, 24, 23, 30), now)).toBe('23:30');
});

test('the exact time has weekday, seconds and time zone', () => {
  expect(exactTime(new Date(2026, 10, 24, 10, 12, 5))).toMatch(/^Tuesday,? 24 November 2026 at 10:12:05 \S+/);
});

test.each([
  [-5, 'just now'],
  [0, 'just now'],
  [30, 'in less than a minute'],
  [-60, '1 minute ago'],
  [-3_599, '59 minutes ago'],
  [-3_600, '1 hour ago'],
  [-86_400 * 6, '6 days ago'],
  [-86_400 * 400, '1 year ago'],
  [7_200, 'in 2 hours'],
])('%i seconds are shown as %s', (seconds, expected) => {
  expect(relativeTime(new Date(now + seconds * 1000), now)).toBe(expected);
});

test('an invalid time is none', () => {
  expect(timeOf('yesterday')).toBeUndefined();
  expect(timeOf(undefined)).toBeUndefined();
  expect(timeOf('2026-11-24T10:12:00Z')).toEqual(new Date(Date.UTC(2026, 10, 24, 10, 12)));
});
