import { type ChildProcess, spawn } from 'node:child_process';
import { delimiter, resolve } from 'node:path';

/** The repository's root, where every command runs. */
export const root = resolve(import.meta.dirname, '..');

/** The environment of a child: the tools of node_modules first, and the Node that runs this script before any other. */
export function toolEnvironment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const path = [resolve(process.execPath, '..'), resolve(root, 'node_modules/.bin'), process.env.PATH ?? ''];
  return { ...process.env, PATH: path.join(delimiter), ...extra };
}

export interface Finished {
  /** The exit code; a child that a signal ended counts as 1. */
  readonly code: number;
  /** What it wrote to both outputs, in the order in which it arrived. */
  readonly output: string;
  readonly seconds: number;
}

const running = new Set<ChildProcess>();

/** Ends every command that still runs; used when one of them failed, or this script is asked to stop. */
export function stopRunning(): void {
  for (const child of running) child.kill('SIGTERM');
}

/** Runs a command in the root and keeps its output. */
export async function run(
  command: readonly [string, ...string[]],
  env: NodeJS.ProcessEnv = {},
): Promise<Finished> {
  const began = performance.now();
  const [file, ...args] = command;
  const child = spawn(file, args, {
    cwd: root,
    env: toolEnvironment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  const code = await new Promise<number>((done) => {
    child.on('error', (error) => {
      chunks.push(Buffer.from(`${file} could not be started: ${error.message}\n`));
      done(1);
    });
    child.on('close', (status) => done(status ?? 1));
  });
  running.delete(child);
  return { code, output: Buffer.concat(chunks).toString(), seconds: (performance.now() - began) / 1000 };
}
