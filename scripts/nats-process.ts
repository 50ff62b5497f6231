import { type ChildProcess, spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureNatsServer } from './ensure-nats-server.ts';
import { ownTemporaryFolder } from './temporary-run.ts';

/** A nats-server process on a port of 127.0.0.1. It stores nothing on disk. */
export interface NatsProcess {
  /** `nats://127.0.0.1:port`. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Sends SIGTERM and waits until it has ended. */
  stop(): Promise<void>;
  /** Sends SIGKILL and waits until it has ended; its port is then free. */
  kill(): Promise<void>;
}

const READY_MS = 15_000;

/** A free port of 127.0.0.1. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve());
  });
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  if (address === null || typeof address === 'string') throw new Error('No free port');
  return address.port;
}

/**
 * Starts nats-server and resolves when it accepts connections.
 * @param port the port to listen on; a free one by default
 * @param args further arguments, such as `--user` and `--pass`, or those for TLS
 * @throws with its output if it does not start within 15 s
 */
export async function startNats(port?: number, args: readonly string[] = []): Promise<NatsProcess> {
  ownTemporaryFolder();
  const chosen = port ?? (await freePort());
  const command = ['-a', '127.0.0.1', '-p', String(chosen), ...args];
  const child = spawn(ensureNatsServer(), command, { stdio: ['ignore', 'ignore', 'pipe'] });
  let printed = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    printed = `${printed}${text}`.slice(-10_000);
  });
  const ended = new Promise<void>((done) => {
    child.once('error', (error) => {
      printed += error.message;
      done();
    });
    child.once('close', () => done());
  });
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await ended;
  };
  const deadline = performance.now() + READY_MS;
  while (!(await isReady(chosen))) {
    if (hasEnded(child)) throw new Error(`nats-server did not start:\n${printed}`);
    if (performance.now() > deadline) {
      await end('SIGKILL');
      throw new Error(`nats-server was not ready within ${READY_MS / 1000} s:\n${printed}`);
    }
    await sleep(20);
  }
  return {
    url: `nats://127.0.0.1:${chosen}`,
    port: chosen,
    pid: child.pid ?? 0,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  };
}

const hasEnded = (child: ChildProcess) =>
  child.pid === undefined || child.exitCode !== null || child.signalCode !== null;

/** Whether a nats-server accepts connections on the port: it sends INFO to each new connection. */
function isReady(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const done = (ready: boolean) => {
      socket.destroy();
      resolve(ready);
    };
    socket.once('data', (bytes) => done(bytes.toString('latin1').startsWith('INFO ')));
    socket.once('error', () => done(false));
    socket.once('close', () => done(false));
    socket.setTimeout(1_000, () => done(false));
  });
}
