import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { withFolder } from './bench/temporary.ts';
import { processesOf } from './processes.ts';
import { root, toolEnvironment } from './run.ts';

const VITEST = ['run', '--project', 'server', 'server/tests/nats.test.ts'];
const PLAYWRIGHT = ['test', 'e2e/live.spec.ts', '--workers=1'];

test.each([
  ['vitest', 'SIGINT', VITEST],
  ['vitest', 'SIGTERM', VITEST],
  ['vitest', 'SIGKILL', VITEST],
  ['playwright', 'SIGKILL', PLAYWRIGHT],
] as const)('%s that gets %s leaves no process and no folder', async (tool, signal, args) => {
  await withFolder(async (folder) => {
    const env = toolEnvironment({ TMPDIR: folder, FORAGE_TEMPORARY_RUN: undefined });
    const runner = spawn(process.execPath, [join(root, 'node_modules/.bin', tool), ...args], {
      cwd: root,
      env,
      stdio: 'ignore',
    });
    const ended = new Promise<void>((done) => runner.on('exit', () => done()));
    await until(() => globSync(`${folder}/*/*/postgres/postmaster.pid`).length > 0);
    expect(processesOf(folder)).not.toEqual([]);

    runner.kill(signal);

    await ended;
    await until(() => processesOf(folder).length === 0 && globSync(`${folder}/forage-*`).length === 0);
  });
});

/** Waits for a condition; the test's timeout is the limit. */
async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await sleep(50);
}
