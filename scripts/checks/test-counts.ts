import { existsSync, readFileSync } from 'node:fs';

/** The result of a test run. */
export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  /** Names of skipped tests, which are printed. */
  readonly skipped: readonly string[];
}

interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

/** Reads Vitest's JSON report. A file that fails before its first test counts as one failure. */
export function vitestCounts(text: string): TestCounts {
  const report = JSON.parse(text) as VitestReport;
  const broken = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((one) => one.status === 'failed'),
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + broken.length,
    skipped: report.testResults.flatMap((file) =>
      file.assertionResults
        .filter((one) => one.status !== 'passed' && one.status !== 'failed')
        .map((one) => `${file.name}: ${one.fullName}`),
    ),
  };
}

interface PlaywrightSuite {
  readonly suites?: readonly PlaywrightSuite[];
  readonly specs?: readonly {
    readonly title: string;
    readonly file: string;
    readonly tests: readonly { readonly status: string }[];
  }[];
}

interface PlaywrightReport {
  readonly suites: readonly PlaywrightSuite[];
  readonly errors: readonly unknown[];
  readonly stats: {
    readonly expected: number;
    readonly unexpected: number;
    readonly flaky: number;
    readonly skipped: number;
  };
}

function skippedIn(suite: PlaywrightSuite): string[] {
  const own = (suite.specs ?? [])
    .filter((spec) => spec.tests.some((one) => one.status === 'skipped'))
    .map((spec) => `${spec.file}: ${spec.title}`);
  return [...own, ...(suite.suites ?? []).flatMap(skippedIn)];
}

/** Reads Playwright's JSON report. A flaky test counts as failed; an error outside of tests as one failure. */
export function playwrightCounts(text: string): TestCounts {
  const { stats, suites, errors } = JSON.parse(text) as PlaywrightReport;
  return {
    passed: stats.expected,
    failed: stats.unexpected + stats.flaky + (errors.length > 0 && stats.unexpected === 0 ? 1 : 0),
    skipped: suites.flatMap(skippedIn),
  };
}

/** The counts of a report; zero if the runner wrote none. */
export function countsOf(path: string, read: (text: string) => TestCounts): TestCounts {
  if (!existsSync(path)) return { passed: 0, failed: 0, skipped: [] };
  return read(readFileSync(path, 'utf8'));
}
