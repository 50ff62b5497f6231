import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { root, toolEnvironment } from './run.ts';

/** A server of its own process, as `npm start` runs it. */
export interface ServerProcess {
  readonly url: string;
  readonly pid: number;
  /** On an empty data folder: the one-time token that creates the first admin. */
  readonly setUpToken: string | null;
  /** From the start of the process to its ready line. */
  readonly startSeconds: number;
  /** Asks it to stop and waits until it has ended. */
  stop(): Promise<void>;
}

/** The command that people start it with. */
export const npmStart = ['npm', 'start', '--silent'] as const;

/**
 * Starts the server (or a command that does) on a free port of loopback with that data folder and waits for its ready line.
 * Throws with everything it printed when it ends before that.
 */
export async function startServer(
  dataDir: string,
  environment: NodeJS.ProcessEnv = {},
  [file, ...args]: readonly [string, ...string[]] = [process.execPath, 'server/main.ts'],
): Promise<ServerProcess> {
  const began = performance.now();
  const env = toolEnvironment({
    HOST: '127.0.0.1',
    PORT: '0',
    LOG_LEVEL: 'warn',
    ...environment,
    DATA_DIR: dataDir,
  });
  // A group of its own: npm does not pass every signal on to what it started.
  const child = spawn(file, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const ended = new Promise<void>((done) => child.on('close', () => done()));
  const signalGroup = (signal: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    } catch {
      // It has ended already.
    }
  };
  // Whoever started it does not leave it behind.
  const onExit = () => signalGroup('SIGKILL');
  process.once('exit', onExit);
  const printed: string[] = [];
  let setUpToken: string | null = null;
  const url = await new Promise<string>((ready, failed) => {
    createInterface(child.stdout).on('line', (line) => {
      printed.push(line);
      setUpToken = /^Set up Forage: .*[?&]token=([^&\s]+)$/.exec(line)?.[1] ?? setUpToken;
      const address = /^Forage is ready on (\S+)$/.exec(line)?.[1];
      if (address !== undefined) ready(address);
    });
    createInterface(child.stderr).on('line', (line) => printed.push(line));
    child.on('error', failed);
    child.on('close', () => failed(new Error(`the server did not start:\n${printed.join('\n')}`)));
  });
  return {
    url,
    pid: child.pid ?? 0,
    setUpToken,
    startSeconds: (performance.now() - began) / 1000,
    async stop() {
      signalGroup('SIGTERM');
      await ended;
      process.off('exit', onExit);
    },
  };
}
