import { expect, test } from 'vitest';
import { countsOf, playwrightCounts, vitestCounts } from './test-counts.ts';

test('counts passed, failed and skipped Vitest tests, and files that fail before their first test', () => {
  const report = {
    numPassedTests: 3,
    numFailedTests: 1,
    testResults: [
      { name: 'a.test.ts', status: 'failed', assertionResults: [{ status: 'failed', fullName: 'fails' }] },
      {
        name: 'b.test.ts',
        status: 'passed',
        assertionResults: [{ status: 'skipped', fullName: 'is skipped' }],
      },
      { name: 'c.test.ts', status: 'failed', assertionResults: [] },
    ],
  };
  expect(vitestCounts(JSON.stringify(report))).toEqual({
    passed: 3,
    failed: 2,
    skipped: ['b.test.ts: is skipped'],
  });
});

test('counts flaky Playwright tests and errors outside tests as failed, and finds skipped ones at any depth', () => {
  const spec = { title: 'is skipped', file: 'a.spec.ts', tests: [{ status: 'skipped' }] };
  const report = {
    suites: [{ specs: [], suites: [{ specs: [spec] }] }],
    errors: [],
    stats: { expected: 5, unexpected: 1, flaky: 1, skipped: 1 },
  };
  expect(playwrightCounts(JSON.stringify(report))).toEqual({
    passed: 5,
    failed: 2,
    skipped: ['a.spec.ts: is skipped'],
  });
  const broken = { suites: [], errors: [{}], stats: { expected: 0, unexpected: 0, flaky: 0, skipped: 0 } };
  expect(playwrightCounts(JSON.stringify(broken)).failed).toBe(1);
});

test('counts nothing without a report', () => {
  expect(countsOf('/nonexistent/report.json', vitestCounts)).toEqual({ passed: 0, failed: 0, skipped: [] });
});
