import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { root, toolEnvironment } from './run.ts';
import { ownTemporaryFolder } from './temporary-run.ts';

/** A server in its own process, as `npm start` runs it. */
export interface ServerProcess {
  readonly url: string;
  readonly pid: number;
  /** On an empty data folder: the one-time token that creates the first admin. */
  readonly setUpToken: string | null;
  /** From the start of the process to its ready line, in seconds. */
  readonly startSeconds: number;
  /** Sends SIGTERM and waits until it has ended. */
  stop(): Promise<void>;
}

export interface ServerOptions {
  /** The folder of the server's code; by default this repository. */
  readonly cwd?: string;
  /** Called with each line that it prints. */
  readonly onLine?: (line: string) => void;
}

/** The command that people start it with. */
export const npmStart = ['npm', 'start', '--silent'] as const;

/**
 * Starts the server (or a command that starts it) on a free port of loopback and waits for its ready line.
 * @throws with its output if it ends before that
 */
export async function startServer(
  dataDir: string,
  environment: NodeJS.ProcessEnv = {},
  [file, ...args]: readonly [string, ...string[]] = [process.execPath, 'server/main.ts'],
  { cwd = root, onLine = () => {} }: ServerOptions = {},
): Promise<ServerProcess> {
  ownTemporaryFolder();
  const began = performance.now();
  const env = toolEnvironment({
    HOST: '127.0.0.1',
    PORT: '0',
    LOG_LEVEL: 'warn',
    ...environment,
    DATA_DIR: dataDir,
  });
  // A process group, because npm does not pass every signal on to its child processes.
  const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const ended = new Promise<void>((done) => child.on('close', () => done()));
  const signalGroup = (signal: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    } catch {
      // It has already ended.
    }
  };
  const printed: string[] = [];
  const keep = (line: string) => {
    printed.push(line);
    onLine(line);
  };
  let setUpToken: string | null = null;
  const url = await new Promise<string>((ready, failed) => {
    createInterface(child.stdout).on('line', (line) => {
      keep(line);
      setUpToken = /^Set up Forage: .*[?&]token=([^&\s]+)$/.exec(line)?.[1] ?? setUpToken;
      const address = /^Forage is ready on (\S+)$/.exec(line)?.[1];
      if (address !== undefined) ready(address);
    });
    createInterface(child.stderr).on('line', keep);
    child.on('error', failed);
    child.on('close', () => failed(new Error(`The server did not start:\n${printed.join('\n')}`)));
  });
  return {
    url,
    pid: child.pid ?? 0,
    setUpToken,
    startSeconds: (performance.now() - began) / 1000,
    async stop() {
      signalGroup('SIGTERM');
      await ended;
    },
  };
}
