import { expect, test } from 'vitest';
import { createClockCheck } from './clock-check.ts';

const BASE = Date.UTC(2026, 10, 22, 12);

async function checkAt(ahead: number) {
  const warnings: string[] = [];
  const log = { warn: (_: object, message: string) => warnings.push(message) };
  const run = async () => [{ at: new Date(BASE) }] as never;
  const check = createClockCheck({ run }, log, () => BASE + ahead);
  expect(check.problem()).toBeNull();
  await check.measure();
  return { check, warnings };
}

test.each([
  [0, 0, false],
  [2_000, 0, false],
  [2_001, 1, false],
  [-30_000, 1, false],
  [30_001, 1, true],
  [-45_000, 1, true],
])('a clock that is %d ms ahead: %d warnings, unusable: %s', async (ahead, count, unusable) => {
  const { check, warnings } = await checkAt(ahead);
  expect(check.difference()).toBe(ahead);
  expect(warnings).toHaveLength(count);
  expect(check.problem() !== null).toBe(unusable);
});

test('keeps the last difference when the database does not answer', async () => {
  const run = () => Promise.reject(new Error('away'));
  const check = createClockCheck({ run }, { warn() {} }, () => BASE);
  await check.measure();
  expect(check.difference()).toBe(0);
});
