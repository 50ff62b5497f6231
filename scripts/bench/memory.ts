import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { root, toolEnvironment } from '../run.ts';
import { atMost, type Figure } from './figure.ts';
import { withFolder } from './temporary.ts';

// Long enough for what the demo left in motion to end, and for the collector to have had its turn.
const restSeconds = 10;

/** What `npm run demo` gives Node, without npm in between: its process is not the one to measure. */
function demoArguments(): string[] {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  return scripts.demo?.split(' ').slice(1) ?? [];
}

/** Resident memory of the demo's Node process at rest, after everything was filled in. */
export async function memoryAfterDemo(): Promise<Figure> {
  return withFolder(async (folder) => {
    const env = toolEnvironment({ PORT: '0', DATA_DIR: folder, DATABASE_URL: '' });
    const demo = spawn(process.execPath, demoArguments(), {
      cwd: root,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise<void>((done) => demo.on('exit', () => done()));
    try {
      await new Promise<void>((ready, failed) => {
        createInterface(demo.stdout).on('line', (line) => {
          if (line.includes('demo is ready on')) ready();
        });
        demo.on('exit', () => failed(new Error('the demo ended before it was ready')));
      });
      await sleep(restSeconds * 1000);
      const kilobytes = Number(
        execFileSync('ps', ['-o', 'rss=', '-p', String(demo.pid)], { encoding: 'utf8' }),
      );
      return atMost('Node process at rest after the demo', kilobytes / 1024, 200, 'MB');
    } finally {
      demo.kill('SIGTERM');
      await ended;
    }
  });
}
