import { expect, test } from 'vitest';
import { BUDGETS, type Counted, isKnown, waitOf, withAttempt } from './attempt-rule.ts';

const start = new Date('2027-01-01T00:00:00Z');
const at = (seconds: number) => new Date(start.getTime() + seconds * 1000);
const none: Counted = { failures: 0, lastAt: start, blockedUntil: null, succeededAt: null };

/** The waits, in seconds, after each failure, each made as soon as possible. */
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

test('waits start with the fifth failure at one address and double up to 15 minutes', () => {
  expect(waits('accountAtAddress', 12)).toEqual([0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900, 900]);
});

test('failures from many addresses block an account for at most a minute', () => {
  expect(Math.max(...waits('account', 2000))).toBe(60);
  expect(waits('account', 50).filter((wait) => wait > 0)).toEqual([5]);
});

test('an address may fail 99 times, as an office does', () => {
  expect(waits('address', 99).every((wait) => wait === 0)).toBe(true);
  expect(waits('address', 110).at(-1)).toBe(900);
});

test('failures are forgotten 15 minutes after the last one or its wait', () => {
  const budget = BUDGETS.accountAtAddress;
  const four = { ...none, failures: 4 };
  expect(withAttempt(four, budget, at(899))).toEqual({ failures: 5, blockedUntil: at(899 + 30) });
  expect(withAttempt(four, budget, at(900))).toEqual({ failures: 1, blockedUntil: null });
  const waiting = { ...none, failures: 9, blockedUntil: at(900) };
  expect(withAttempt(waiting, budget, at(1799)).failures).toBe(10);
  expect(withAttempt(waiting, budget, at(1800)).failures).toBe(1);
});

test('an address stays known for 30 days', () => {
  const day = 86_400;
  expect(isKnown({ succeededAt: start }, at(30 * day - 1))).toBe(true);
  expect(isKnown({ succeededAt: start }, at(30 * day))).toBe(false);
  expect(isKnown({ succeededAt: null }, start)).toBe(false);
  expect(isKnown(undefined, start)).toBe(false);
});
