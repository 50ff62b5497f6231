import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, formatRemaining, MAX_DURATION_SECONDS, parseDuration } from './duration.ts';

describe('parseDuration', () => {
  it.each([
    ['90', 90],
    ['45s', 45],
    ['30m', 1_800],
    ['1h 30m', 5_400],
    ['1h30m', 5_400],
    ['30m 1h', 5_400],
    [' 1H  30 M ', 5_400],
    ['2d', 172_800],
    ['1w', 604_800],
    ['1w 1d 1h 1m 1s', 694_861],
    ['0h 5m', 300],
    ['365d', MAX_DURATION_SECONDS],
  ])('reads %j as %d seconds', (text, seconds) => {
    expect(parseDuration(text)).toEqual({ ok: true, seconds });
  });

  it.each([
    ['', /Enter a duration/],
    ['   ', /Enter a duration/],
    ['0', /more than 0/],
    ['0m', /more than 0/],
    ['366d', /at most 365 days/],
    ['31536001', /at most 365 days/],
    ['9'.repeat(40), /at most 365 days/],
    ['1h 1h', /more than once/],
    ['1h 30', /Enter a duration such as/],
    ['-5m', /Enter a duration such as/],
    ['1.5h', /Enter a duration such as/],
    ['1e3', /Enter a duration such as/],
    ['30min', /Enter a duration such as/],
    ['half an hour', /Enter a duration such as/],
    ['١٠m', /Enter a duration such as/],
    ['1 1', /Enter a duration such as/],
    ['1'.repeat(1_000_000).concat('!'), /Enter a duration such as/],
  ])('rejects %.20j', (text, reason) => {
    expect(parseDuration(text)).toEqual({ ok: false, reason: expect.stringMatching(reason) });
  });

  it('returns seconds in range or a reason for any text', () => {
    const text = fc.oneof(fc.string(), fc.stringMatching(/^[0-9wdhms ]{0,12}$/));
    fc.assert(
      fc.property(text, (typed) => {
        const parsed = parseDuration(typed);
        if (!parsed.ok) return parsed.reason.length > 0;
        return (
          Number.isInteger(parsed.seconds) && parsed.seconds > 0 && parsed.seconds <= MAX_DURATION_SECONDS
        );
      }),
    );
  });
});

describe('formatDuration', () => {
  it.each([
    [0, '0s'],
    [45, '45s'],
    [60, '1m'],
    [5_400, '1h 30m'],
    [172_800, '2d'],
    [604_800, '7d'],
    [90_061, '1d 1h 1m 1s'],
  ])('writes %d as %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });

  it('is parsed back exactly', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: MAX_DURATION_SECONDS }), (seconds) => {
        expect(parseDuration(formatDuration(seconds))).toEqual({ ok: true, seconds });
      }),
    );
  });
});

describe('formatRemaining', () => {
  it.each([
    [-3, '0s'],
    [0, '0s'],
    [0.2, '1s'],
    [860, '14m 20s'],
    [3_600, '1h'],
    [3_605, '1h'],
    [95_000, '1d 2h'],
    [86_700, '1d'],
  ])('says %d as %s', (seconds, text) => {
    expect(formatRemaining(seconds)).toBe(text);
  });
});
