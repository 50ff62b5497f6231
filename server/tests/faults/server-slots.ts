import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from '../../../scripts/nats-process.ts';

const ROOT = join(import.meta.dirname, '../../..');
const MAIN = join(ROOT, 'server/main.ts');
const READY_MS = 180_000;
/** The number of a server's last lines that the report of a crash contains. */
const LAST_LINES = 30;

/** A line of a server's log at level `error` or above, or other output. */
export interface LogLine {
  readonly server: number;
  readonly at: number;
  readonly message: string;
  /** The code and message of the logged error, if any. */
  readonly code: string | null;
  readonly detail: string;
}

/** One of the servers, with the same port after each restart. */
export interface ServerSlot {
  readonly index: number;
  readonly url: string;
  /** The one-time token that an empty database prints. */
  readonly setUpToken: () => string | null;
  readonly state: () => 'down' | 'up' | 'paused';
  /** Starts a process and waits until it is ready. Rejects with its output if it ends first. */
  start(): Promise<void>;
  kill(): Promise<void>;
  /** Stops it and returns its exit code. */
  stop(): Promise<number | null>;
  pause(): void;
  resume(): void;
}

export interface ServerSlots {
  readonly slots: readonly ServerSlot[];
  /** Logged errors, and other output. */
  readonly errors: readonly LogLine[];
  /** Unexpected exits, with the server's last lines. */
  readonly crashes: readonly string[];
  /** The number of lines per message, of level `warn` and above. */
  readonly counts: ReadonlyMap<string, number>;
}

/** Creates the slots of servers, none of them started. */
export async function makeServers(count: number, environment: Record<string, string>): Promise<ServerSlots> {
  const errors: LogLine[] = [];
  const crashes: string[] = [];
  const counts = new Map<string, number>();
  const slots: ServerSlot[] = [];
  for (let index = 0; index < count; index++) {
    slots.push(makeSlot(index, await freePort(), environment, { errors, crashes, counts }));
  }
  return { slots, errors, crashes, counts };
}

interface Findings {
  readonly errors: LogLine[];
  readonly crashes: string[];
  readonly counts: Map<string, number>;
}

function recordLine(server: number, line: string, { errors, counts }: Findings): void {
  const parsed = parseLog(line);
  const message = parsed === null ? 'Output that is not a log line' : (parsed.msg ?? '');
  if (parsed === null || parsed.level >= 40) counts.set(message, (counts.get(message) ?? 0) + 1);
  if (parsed !== null && parsed.level < 50) return;
  const last = errors.at(-1);
  if (parsed === null && last?.message === message && last.server === server) {
    errors[errors.length - 1] = { ...last, detail: `${last.detail}\n${line}` };
    return;
  }
  const { code = null, message: detail = '', cause } = parsed?.err ?? { message: line };
  errors.push({ server, at: Date.now(), message, code: code ?? cause?.code ?? null, detail });
}

interface Logged {
  readonly level: number;
  readonly msg?: string;
  readonly err?: {
    readonly code?: string;
    readonly message?: string;
    readonly cause?: { readonly code?: string };
  };
}

function parseLog(line: string): Logged | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && 'level' in value ? (value as Logged) : null;
  } catch {
    return null;
  }
}

function makeSlot(
  index: number,
  port: number,
  environment: Record<string, string>,
  findings: Findings,
): ServerSlot {
  const url = `http://127.0.0.1:${port}`;
  let child: ChildProcess | null = null;
  let state: 'down' | 'up' | 'paused' = 'down';
  let setUpToken: string | null = null;

  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    const ending = child;
    child = null;
    state = 'down';
    if (ending === null || ending.exitCode !== null || ending.signalCode !== null)
      return ending?.exitCode ?? null;
    const exited = once(ending, 'exit');
    ending.kill(signal);
    await exited;
    return ending.exitCode;
  };
  return {
    index,
    url,
    setUpToken: () => setUpToken,
    state: () => state,
    async start() {
      const { PATH, HOME, TZ } = process.env;
      const env = { ...(PATH && { PATH }), ...(HOME && { HOME }), ...(TZ && { TZ }), ...environment };
      const started = spawn(process.execPath, [MAIN], {
        cwd: ROOT,
        env: { ...env, HOST: '127.0.0.1', PORT: String(port) },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      child = started;
      const last: string[] = [];
      const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
      const read = (line: string) => {
        last.push(line);
        if (last.length > LAST_LINES) last.shift();
        setUpToken = /set-up\?token=(\S+)/.exec(line)?.[1] ?? setUpToken;
        if (/^Forage is ready on /.test(line)) resolve();
        else if (!line.startsWith('Set up Forage: ')) recordLine(index, line, findings);
      };
      createInterface(started.stdout).on('line', read);
      createInterface(started.stderr).on('line', read);
      started.once('exit', (code, signal) => {
        // `end` clears the slot first, so this exit was not intended.
        if (child === started) {
          child = null;
          state = 'down';
          findings.crashes.push(`server ${index} ended (${code ?? signal}):\n${last.join('\n')}`);
        }
        reject(new Error(`server ${index} ended before it was ready:\n${last.join('\n')}`));
      });
      const timer = setTimeout(() => reject(new Error(`server ${index} was not ready in time`)), READY_MS);
      await ready.finally(() => clearTimeout(timer));
      if (child === started) state = 'up';
    },
    async kill() {
      await end('SIGKILL');
    },
    async stop() {
      return end('SIGTERM');
    },
    pause() {
      if (child === null || state !== 'up') return;
      child.kill('SIGSTOP');
      state = 'paused';
    },
    resume() {
      if (child === null || state !== 'paused') return;
      child.kill('SIGCONT');
      state = 'up';
    },
  };
}
