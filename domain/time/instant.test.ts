import { expect, it } from 'vitest';
import { formatInstant } from './instant.ts';

it.each([
  ['2026-11-22T18:00:00.000Z', '2026-11-22T18:00:00Z'],
  ['2026-11-22T17:59:59.001Z', '2026-11-22T18:00:00Z'],
])('writes %s as %s', (moment, text) => {
  expect(formatInstant(new Date(moment))).toBe(text);
});

it('throws on a date that is none', () => {
  expect(() => formatInstant(new Date(Number.NaN))).toThrow(RangeError);
});
