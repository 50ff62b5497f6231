import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { withFolder } from './bench/temporary.ts';
import { root, toolEnvironment } from './run.ts';

/** A signal to a command that an operator starts. */
interface SignalCase {
  readonly command: readonly string[];
  /** The line after which the signal is sent; null: as soon as PostgreSQL has started. */
  readonly after: RegExp | null;
  readonly send: (npm: ChildProcess) => void;
}

const isRunning = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** Checks that a signal ends npm, the server and PostgreSQL. */
async function expectEnd(one: SignalCase): Promise<void> {
  await withFolder(async (folder) => {
    const npm = spawn('npm', [...one.command], {
      cwd: root,
      env: toolEnvironment({ PORT: '0', DATA_DIR: folder, DATABASE_URL: '' }),
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    // Emitted when no process has npm's output open.
    const closed = new Promise<void>((done) => npm.on('close', () => done()));
    const lock = join(folder, 'postgres/postmaster.pid');
    let url = '';
    await new Promise<void>((reached, failed) => {
      createInterface(npm.stdout).on('line', (line) => {
        url = /(http:\/\/127\.0\.0\.1:\d+)/.exec(line)?.[1] ?? url;
        if (one.after?.test(line)) reached();
      });
      npm.on('exit', () => failed(new Error('npm ended before the signal')));
      if (one.after === null) void until(() => existsSync(lock)).then(reached);
    });
    const postgres = Number(readFileSync(lock, 'utf8').split('\n')[0]);
    expect(isRunning(postgres)).toBe(true);

    one.send(npm);

    await closed;
    await until(() => !isRunning(postgres));
    expect(existsSync(lock)).toBe(false);
    if (url !== '') await expect(fetch(url)).rejects.toThrow();
  });
}

/** Waits for a condition; the test's timeout is the limit. */
async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await sleep(20);
}

test.each([
  ['npm start', ['start'], /is ready on/],
  ['npm run demo', ['run', 'demo'], /is started on/],
] as const)('SIGTERM to %s ends npm, the server and PostgreSQL', (_, command, after) =>
  expectEnd({ command, after, send: (npm) => npm.kill('SIGTERM') }),
);

test('SIGTERM while PostgreSQL starts ends npm and PostgreSQL', () =>
  expectEnd({ command: ['start'], after: null, send: (npm) => npm.kill('SIGTERM') }));

// A terminal signals the whole process group, and npm also passes its own signal on.
test('Ctrl-C in the terminal of npm start ends npm, the server and PostgreSQL', () =>
  expectEnd({
    command: ['start'],
    after: /is ready on/,
    send: (npm) => process.kill(-(npm.pid ?? 0), 'SIGINT'),
  }));
