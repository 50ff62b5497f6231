// `npm test`: every check, up to the first that fails; prints its output and the command that repeats it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { countsOf, playwrightCounts, type TestCounts, vitestCounts } from './checks/test-counts.ts';
import { run, stopRunning } from './run.ts';
import { ownTemporaryFolder } from './temporary-run.ts';

interface Check {
  readonly name: string;
  /** The npm script. */
  readonly script: string;
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** A check that needs the result of this one. */
  readonly next?: Check;
}

ownTemporaryFolder();
const reports = mkdtempSync(join(tmpdir(), 'forage-reports-'));
const vitestReport = join(reports, 'vitest.json');
const playwrightReport = join(reports, 'playwright.json');

const quick: readonly Check[] = [
  {
    name: 'Build of the dashboard',
    script: 'build',
    next: { name: 'Size of the first load', script: 'check:size' },
  },
  { name: 'Types', script: 'check:types' },
  { name: 'Lock file is complete, with checksums', script: 'check:lock' },
  { name: 'Generated code is up to date', script: 'check:generated' },
  { name: 'Contract: lint', script: 'check:contract' },
  { name: 'Contract: breaking changes', script: 'check:breaking' },
  { name: 'Database schema is up to date', script: 'check:schema' },
  { name: 'Settings page is up to date', script: 'check:configuration' },
  { name: 'Lint and format', script: 'check:lint' },
  { name: 'Import rules', script: 'check:imports' },
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

// The output of checks is printed later, in colour only on a terminal.
const colours = process.stdout.isTTY ? {} : { NO_COLOR: '1', FORCE_COLOR: undefined };

class CheckFailed extends Error {}

async function perform(check: Check): Promise<void> {
  console.log(`… ${check.name}`);
  const { code, output, seconds } = await run(
    ['npm', 'run', '--silent', check.script, ...(check.args ?? [])],
    { ...colours, ...check.env },
  );
  if (failure !== null) return;
  if (code !== 0) {
    failure = check;
    stopRunning();
    console.log(
      `\n✗ ${check.name} (${seconds.toFixed(1)} s)\n\n${output}\nRepeat it with: npm run ${check.script}`,
    );
    throw new CheckFailed();
  }
  console.log(`✓ ${check.name} (${seconds.toFixed(1)} s)`);
  if (check.next !== undefined) await perform(check.next);
}

async function inParallel(checks: readonly Check[], concurrency: number): Promise<void> {
  const waiting = [...checks];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined && failure === null; next = waiting.shift()) {
      await perform(next);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
}

function total(counts: readonly TestCounts[]): TestCounts {
  return {
    passed: counts.reduce((sum, one) => sum + one.passed, 0),
    failed: counts.reduce((sum, one) => sum + one.failed, 0),
    skipped: counts.flatMap((one) => one.skipped),
  };
}

let failure: Check | null = null;
const began = performance.now();
try {
  await inParallel(quick, 2);
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
  if (skipped.length > 0) console.log(`\nSkipped:\n${skipped.map((name) => `  ${name}`).join('\n')}`);
  console.log(`\nFinished in ${((performance.now() - began) / 1000).toFixed(0)} s`);
  // A failed check that has no tests counts as one failure.
  console.log(`${passed} passed, ${failure === null ? failed : Math.max(1, failed)} failed`);
  process.exitCode = failure === null && failed === 0 ? 0 : 1;
}
