import { expect, test } from 'vitest';
import { runFaults } from './faults/run.ts';

// Processes are found by /proc, paused and killed by signals.
const here = test.skipIf(process.platform !== 'linux');

/** Each fault once, on a machine that may be busy with other tests; `npm run test:faults` is the long and strict one. */
here(
  'three servers keep every promise while everything around them fails',
  async () => {
    const said: string[] = [];
    const report = await runFaults({
      seed: 20_261_122,
      seconds: 10,
      settleWithin: 20,
      fullDisk: false,
      say: (line) => said.push(line),
    });
    expect(report.violations, said.join('\n')).toEqual([]);
    expect(new Set(report.faults.map(({ kind }) => kind)).size).toBe(8);
    expect(report.operations).toBeGreaterThan(100);
  },
  180_000,
);
