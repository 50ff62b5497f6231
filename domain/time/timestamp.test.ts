import { expect, it } from 'vitest';
import { formatTimestamp } from './timestamp.ts';

it.each([
  ['2026-11-22T18:00:00.000Z', '2026-11-22T18:00:00Z'],
  ['2026-11-22T17:59:59.001Z', '2026-11-22T18:00:00Z'],
])('writes %s as %s', (time, text) => {
  expect(formatTimestamp(new Date(time))).toBe(text);
});

it('throws for an invalid date', () => {
  expect(() => formatTimestamp(new Date(Number.NaN))).toThrow(RangeError);
});
