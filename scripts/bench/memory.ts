import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { withDemo } from '../demo-process.ts';
import { atMost, type Figure } from './figure.ts';

// Enough for pending work of the demo and for garbage collection.
const restSeconds = 10;

/** Resident memory of the demo's Node process at rest, with all demo data. */
export async function memoryAfterDemo(): Promise<Figure> {
  return withDemo(async ({ pid }) => {
    await sleep(restSeconds * 1000);
    const kilobytes = Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' }));
    return atMost('Node process at rest after the demo', kilobytes / 1024, 150, 'MB');
  });
}
