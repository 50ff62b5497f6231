import { type ChildProcess, spawn } from 'node:child_process';
import { delimiter, resolve } from 'node:path';

/** The repository's root, where every command runs. */
export const root = resolve(import.meta.dirname, '..');

/** The environment of a child process: this script's Node and the tools of node_modules come first on PATH. */
export function toolEnvironment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const path = [resolve(process.execPath, '..'), resolve(root, 'node_modules/.bin'), process.env.PATH ?? ''];
  return { ...process.env, PATH: path.join(delimiter), ...extra };
}

export interface Finished {
  /** The exit code; 1 for a child that a signal ended. */
  readonly code: number;
  /** stdout and stderr, in the order of arrival. */
  readonly output: string;
  readonly seconds: number;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const running = new Set<ChildProcess>();

/** Ends every command that is still running, with all its child processes. */
export function stopRunning(): void {
  for (const { pid } of running) {
    try {
      if (pid !== undefined) process.kill(-pid, 'SIGTERM');
    } catch {
      // It has ended.
    }
  }
}

function stopAndExit(): void {
  stopRunning();
  process.exit(130);
}

/** Runs a command in the root and returns its output. A signal to this process ends the command and exits with 130. */
export async function run(
  command: readonly [string, ...string[]],
  env: NodeJS.ProcessEnv = {},
): Promise<Finished> {
  const began = performance.now();
  const [file, ...args] = command;
  // Before the command starts, so that no signal can leave it behind.
  if (running.size === 0) for (const signal of SIGNALS) process.once(signal, stopAndExit);
  const child = spawn(file, args, {
    cwd: root,
    env: toolEnvironment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
    // A process group, because npm and shells do not pass signals on to all their child processes.
    detached: true,
  });
  running.add(child);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  const code = await new Promise<number>((done) => {
    child.on('error', (error) => {
      chunks.push(Buffer.from(`Could not start ${file}: ${error.message}\n`));
      done(1);
    });
    child.on('close', (status) => done(status ?? 1));
  });
  running.delete(child);
  if (running.size === 0) for (const signal of SIGNALS) process.off(signal, stopAndExit);
  return { code, output: Buffer.concat(chunks).toString(), seconds: (performance.now() - began) / 1000 };
}
