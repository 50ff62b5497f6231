import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { withFolder } from './bench/temporary.ts';
import { root, toolEnvironment } from './run.ts';

/** Waits for a condition; the test's timeout is the limit. */
async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await sleep(20);
}

const isRunning = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test.each(['SIGINT', 'SIGTERM'] as const)('%s ends a command and its child processes', async (signal) => {
  await withFolder(async (folder) => {
    const ids = join(folder, 'ids');
    const command = `sleep 1000 & echo $$ $! > ${ids}.new; mv ${ids}.new ${ids}; wait`;
    const script = `import { run } from './scripts/run.ts'; await run(['sh', '-c', '${command}']);`;
    const parent = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: root,
      env: toolEnvironment(),
      stdio: 'inherit',
    });
    const ended = new Promise<number | null>((done) => parent.on('exit', (code) => done(code)));
    await until(() => existsSync(ids));
    const pids = readFileSync(ids, 'utf8').trim().split(' ').map(Number);
    expect(pids.map(isRunning)).toEqual([true, true]);

    parent.kill(signal);

    expect(await ended).toBe(130);
    await until(() => !pids.some(isRunning));
  });
});
