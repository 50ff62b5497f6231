import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { withFolder } from './bench/temporary.ts';
import type { Username } from './demo/state.ts';
import { root, toolEnvironment } from './run.ts';

export interface RunningDemo {
  readonly url: string;
  readonly pid: number;
  readonly passwords: Readonly<Record<Username, string>>;
}

/** Node's arguments in `npm run demo`, which is started without npm so that the measured process is the server's. */
function demoArguments(): string[] {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  return scripts.demo?.replace(/^exec node /, '').split(' ') ?? [];
}

/** Runs `work` while the complete demo runs on a free port and in a temporary folder. */
export async function withDemo<T>(work: (demo: RunningDemo) => Promise<T>): Promise<T> {
  return withFolder(async (folder) => {
    const env = toolEnvironment({ PORT: '0', DATA_DIR: folder, DATABASE_URL: '' });
    const demo = spawn(process.execPath, demoArguments(), {
      cwd: root,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise<void>((done) => demo.on('exit', () => done()));
    try {
      const url = await new Promise<string>((ready, failed) => {
        createInterface(demo.stdout).on('line', (line) => {
          const address = /demo is ready on (\S+)/.exec(line)?.[1];
          if (address !== undefined) ready(address);
        });
        demo.on('exit', () => failed(new Error('The demo ended before it was ready')));
      });
      const { passwords } = JSON.parse(readFileSync(join(folder, 'demo.json'), 'utf8')) as RunningDemo;
      return await work({ url, pid: demo.pid ?? 0, passwords });
    } finally {
      demo.kill('SIGTERM');
      await ended;
    }
  });
}
