import { expect, test } from 'vitest';
import { BUDGETS, type Counted, isKnown, waitOf, withAttempt } from './attempt-rule.ts';

const start = new Date('2027-01-01T00:00:00Z');
const at = (seconds: number) => new Date(start.getTime() + seconds * 1000);
const none: Counted = { failures: 0, lastAt: start, blockedUntil: null, succeededAt: null };

/** The waits, in seconds, after each of so many failures, each made as soon as it may be. */
function waits(budget: keyof typeof BUDGETS, failures: number): number[] {
  let counted = none;
  let now = start;
  return Array.from({ length: failures }, () => {
    counted = { ...counted, ...withAttempt(counted, BUDGETS[budget], now), lastAt: now };
    const wait = waitOf(counted, now) / 1000;
    now = new Date(now.getTime() + wait * 1000);
    return wait;
  });
}

test('five failures at one address are free, then waits double up to a quarter of an hour', () => {
  expect(waits('accountAtAddress', 12)).toEqual([0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900, 900]);
});

test('what many addresses do to one account never makes it wait for more than a minute', () => {
  expect(Math.max(...waits('account', 2000))).toBe(60);
  expect(waits('account', 50).filter((wait) => wait > 0)).toEqual([5]);
});

test('an address may fail more often, as an office of people does', () => {
  expect(waits('address', 99).every((wait) => wait === 0)).toBe(true);
  expect(waits('address', 110).at(-1)).toBe(900);
});

test('failures are forgotten a quarter of an hour after the last one, or after the wait that it caused', () => {
  const budget = BUDGETS.accountAtAddress;
  const four = { ...none, failures: 4 };
  expect(withAttempt(four, budget, at(899))).toEqual({ failures: 5, blockedUntil: at(899 + 30) });
  expect(withAttempt(four, budget, at(900))).toEqual({ failures: 1, blockedUntil: null });
  const waiting = { ...none, failures: 9, blockedUntil: at(900) };
  expect(withAttempt(waiting, budget, at(1799)).failures).toBe(10);
  expect(withAttempt(waiting, budget, at(1800)).failures).toBe(1);
});

test('an address is known for thirty days', () => {
  const day = 86_400;
  expect(isKnown({ succeededAt: start }, at(30 * day - 1))).toBe(true);
  expect(isKnown({ succeededAt: start }, at(30 * day))).toBe(false);
  expect(isKnown({ succeededAt: null }, start)).toBe(false);
  expect(isKnown(undefined, start)).toBe(false);
});
