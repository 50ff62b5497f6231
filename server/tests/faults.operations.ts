import { expect, test } from 'vitest';
import { runFaults } from './faults/run.ts';

// Requires /proc, and signals that pause processes.
const onLinux = test.skipIf(process.platform !== 'linux');

/** Each fault once, also on a busy machine; `npm run test:faults` runs longer and with stricter limits. */
onLinux(
  'three servers keep every promise while servers, database, NATS and receivers fail',
  async () => {
    const lines: string[] = [];
    const report = await runFaults({
      seed: 20_261_122,
      seconds: 10,
      settleWithin: 20,
      fullDisk: false,
      log: (line) => lines.push(line),
    });
    expect(report.violations, lines.join('\n')).toEqual([]);
    expect(new Set(report.faults.map(({ kind }) => kind)).size).toBe(8);
    expect(report.operations).toBeGreaterThan(100);
  },
  300_000,
);
