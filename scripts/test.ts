// `npm test`: every check, stopping at the first that fails, with its whole output and the command that repeats it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { countsOf, playwrightCounts, type TestCounts, vitestCounts } from './checks/test-counts.ts';
import { run, stopRunning } from './run.ts';

/** The name of an npm script is the check's command and what repeats it. */
interface Check {
  readonly name: string;
  readonly script: string;
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Checks that look at the same thing one after the other. */
  readonly next?: Check;
}

const reports = mkdtempSync(join(tmpdir(), 'forage-reports-'));
const vitestReport = join(reports, 'vitest.json');
const playwrightReport = join(reports, 'playwright.json');

const cheap: readonly Check[] = [
  {
    name: 'Build of the dashboard',
    script: 'build',
    next: { name: 'Size of the first load', script: 'check:size' },
  },
  { name: 'Types', script: 'check:types' },
  { name: 'Lock file is complete', script: 'check:lock' },
  { name: 'Generated code is fresh', script: 'check:generated' },
  { name: 'Contract: lint', script: 'check:contract' },
  { name: 'Contract: breaking changes', script: 'check:breaking' },
  { name: 'Database schema dump is fresh', script: 'check:schema' },
  { name: 'Lint and format', script: 'check:lint' },
  { name: 'Import directions', script: 'check:imports' },
];
const unit: Check = {
  name: 'Tests of domain, server, dashboard and scripts',
  script: 'test:unit',
  args: ['--', '--reporter=default', '--reporter=json', `--outputFile.json=${vitestReport}`],
};
const browser: Check = {
  name: 'Browser tests',
  script: 'test:browser',
  args: ['--', '--reporter=list,json'],
  env: { PLAYWRIGHT_JSON_OUTPUT_FILE: playwrightReport },
};

// What the checks print is kept and shown later: in colour only where that is a terminal.
const plain = process.stdout.isTTY ? {} : { NO_COLOR: '1', FORCE_COLOR: undefined };

class CheckFailed extends Error {}

async function perform(check: Check): Promise<void> {
  console.log(`… ${check.name}`);
  const { code, output, seconds } = await run(
    ['npm', 'run', '--silent', check.script, ...(check.args ?? [])],
    { ...plain, ...check.env },
  );
  if (failure !== null) return;
  if (code !== 0) {
    failure = check;
    stopRunning();
    console.log(
      `\n✗ ${check.name} (${seconds.toFixed(1)} s)\n\n${output}\nTo repeat it: npm run ${check.script}`,
    );
    throw new CheckFailed();
  }
  console.log(`✓ ${check.name} (${seconds.toFixed(1)} s)`);
  if (check.next !== undefined) await perform(check.next);
}

async function sideBySide(checks: readonly Check[], lanes: number): Promise<void> {
  const waiting = [...checks];
  const lane = async () => {
    for (let next = waiting.shift(); next !== undefined && failure === null; next = waiting.shift()) {
      await perform(next);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

function total(counts: readonly TestCounts[]): TestCounts {
  return {
    passed: counts.reduce((sum, one) => sum + one.passed, 0),
    failed: counts.reduce((sum, one) => sum + one.failed, 0),
    skipped: counts.flatMap((one) => one.skipped),
  };
}

let failure: Check | null = null;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    stopRunning();
    process.exit(130);
  });
}

const began = performance.now();
try {
  await sideBySide(cheap, 2);
  await perform(unit);
  await perform(browser);
} catch (error) {
  if (!(error instanceof CheckFailed)) throw error;
} finally {
  const { passed, failed, skipped } = total([
    countsOf(vitestReport, vitestCounts),
    countsOf(playwrightReport, playwrightCounts),
  ]);
  rmSync(reports, { recursive: true, force: true });
  if (skipped.length > 0) console.log(`\nNot run:\n${skipped.map((name) => `  ${name}`).join('\n')}`);
  console.log(`\nAll in ${((performance.now() - began) / 1000).toFixed(0)} s`);
  // A check that is no test counts as one failure.
  console.log(`${passed} passed, ${failure === null ? failed : Math.max(1, failed)} failed`);
  process.exitCode = failure === null && failed === 0 ? 0 : 1;
}
