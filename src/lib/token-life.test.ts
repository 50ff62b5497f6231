import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { expect, test } from 'vitest';
import { defaultLifetime, hasExpired, lifetimesUpTo } from './token-life.ts';

const now = Date.UTC(2026, 10, 22);

test.each([
  [{}, false],
  [{ expiresAt: timestampFromMs(now + 1000) }, false],
  [{ expiresAt: timestampFromMs(now) }, true],
  [{ expiresAt: timestampFromMs(now - 1000) }, true],
])('a token that ends at %o has ended: %s', (token, ended) => {
  expect(hasExpired(token, now)).toBe(ended);
});

test.each([
  [0, ['7 days', '30 days', '90 days', '1 year', 'Never expires'], 90],
  [1, ['1 day'], 1],
  [30, ['7 days', '30 days'], 30],
  [45, ['7 days', '30 days', '45 days'], 45],
  [90, ['7 days', '30 days', '90 days'], 90],
  [365, ['7 days', '30 days', '90 days', '1 year'], 90],
])('a server that allows %s days offers what it takes', (maxDays, label, usual) => {
  const offered = lifetimesUpTo(maxDays);
  expect(offered.map((one) => one.label)).toEqual(label);
  expect(defaultLifetime(maxDays)).toBe(usual * 86_400);
  expect(offered.map((one) => one.seconds)).toContain(defaultLifetime(maxDays));
});

test('offers no lifetime longer than the contract allows', () => {
  for (const { seconds } of lifetimesUpTo(0)) expect(seconds).toBeLessThanOrEqual(31_536_000);
});
