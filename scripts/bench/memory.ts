import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { withDemo } from '../demo-process.ts';
import { atMost, type Figure } from './figure.ts';

// Long enough for what the demo left in motion to end, and for the collector to have had its turn.
const restSeconds = 10;

/** Resident memory of the demo's Node process at rest, after everything was filled in. */
export async function memoryAfterDemo(): Promise<Figure> {
  return withDemo(async ({ pid }) => {
    await sleep(restSeconds * 1000);
    const kilobytes = Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' }));
    return atMost('Node process at rest after the demo', kilobytes / 1024, 200, 'MB');
  });
}
