import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from '../../../scripts/nats-process.ts';

const ROOT = join(import.meta.dirname, '../../..');
const MAIN = join(ROOT, 'server/main.ts');
const READY_MS = 60_000;
/** Lines that are kept of what a server printed last, for the case that it ends. */
const LAST_LINES = 30;

/** A line of a server's log at level `error` or above, or something that is no line of a log at all. */
export interface LogLine {
  readonly server: number;
  readonly at: number;
  readonly message: string;
  /** The code and the words of the error that was logged, if any. */
  readonly code: string | null;
  readonly detail: string;
}

/** One of the servers: always the same port, whichever process serves it. */
export interface ServerSlot {
  readonly index: number;
  readonly url: string;
  /** The one-time token that an empty database prints. */
  readonly setUpToken: () => string | null;
  readonly state: () => 'down' | 'up' | 'paused';
  /** Starts a process and waits for its ready line. Rejects with what it printed if it ends before. */
  start(): Promise<void>;
  kill(): Promise<void>;
  /** Asks it to stop and gives its exit code. */
  stop(): Promise<number | null>;
  pause(): void;
  resume(): void;
}

export interface ServerRow {
  readonly slots: readonly ServerSlot[];
  /** Everything that was logged as an error, and whatever else was printed. */
  readonly errors: readonly LogLine[];
  /** Ends that nobody asked for. */
  readonly crashes: readonly string[];
  /** How many lines each message had, of level `warn` and above. */
  readonly counts: ReadonlyMap<string, number>;
}

/** Servers as processes of their own, none started yet. */
export async function makeServers(count: number, environment: Record<string, string>): Promise<ServerRow> {
  const errors: LogLine[] = [];
  const crashes: string[] = [];
  const counts = new Map<string, number>();
  const slots: ServerSlot[] = [];
  for (let index = 0; index < count; index++) {
    slots.push(makeSlot(index, await freePort(), environment, { errors, crashes, counts }));
  }
  return { slots, errors, crashes, counts };
}

interface Notes {
  readonly errors: LogLine[];
  readonly crashes: string[];
  readonly counts: Map<string, number>;
}

function noteLine(server: number, line: string, { errors, counts }: Notes): void {
  const parsed = parseLog(line);
  const message = parsed === null ? 'printed what is no line of a log' : (parsed.msg ?? '');
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
  notes: Notes,
): ServerSlot {
  const url = `http://127.0.0.1:${port}`;
  let child: ChildProcess | null = null;
  let state: 'down' | 'up' | 'paused' = 'down';
  let setUpToken: string | null = null;

  const take = (): ChildProcess | null => {
    const taken = child;
    child = null;
    state = 'down';
    return taken;
  };
  const leave = async (taken: ChildProcess | null, signal: NodeJS.Signals): Promise<number | null> => {
    if (taken === null || taken.exitCode !== null || taken.signalCode !== null)
      return taken?.exitCode ?? null;
    const exited = once(taken, 'exit');
    taken.kill(signal);
    await exited;
    return taken.exitCode;
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
        else if (!line.startsWith('Set up Forage: ')) noteLine(index, line, notes);
      };
      createInterface(started.stdout).on('line', read);
      createInterface(started.stderr).on('line', read);
      started.once('exit', (code, signal) => {
        // Whoever ends it on purpose takes it out of the slot first.
        if (child === started) {
          child = null;
          state = 'down';
          notes.crashes.push(`server ${index} ended (${code ?? signal}):\n${last.join('\n')}`);
        }
        reject(new Error(`server ${index} ended before it was ready:\n${last.join('\n')}`));
      });
      const timer = setTimeout(() => reject(new Error(`server ${index} is not ready in time`)), READY_MS);
      await ready.finally(() => clearTimeout(timer));
      if (child === started) state = 'up';
    },
    async kill() {
      await leave(take(), 'SIGKILL');
    },
    async stop() {
      return leave(take(), 'SIGTERM');
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
