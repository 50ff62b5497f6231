import { type ChildProcess, spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureNatsServer } from './ensure-nats-server.ts';

/** A nats-server of its own process, on 127.0.0.1 and a port of its own; it keeps nothing on disk. */
export interface NatsProcess {
  /** `nats://127.0.0.1:port`. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Asks it to stop and waits until it has ended. */
  stop(): Promise<void>;
  /** Ends it by SIGKILL and waits until it has ended. Another one may be started on the same port then. */
  kill(): Promise<void>;
}

const READY_MS = 15_000;

/** A port of 127.0.0.1 that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve());
  });
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  if (address === null || typeof address === 'string') throw new Error('there is no free port');
  return address.port;
}

/**
 * Starts a real nats-server and resolves when it takes connections. `port` is a free one unless one is given (to start
 * again where it was); `args` are more arguments, such as `--user` and `--pass`, or those of TLS.
 * Throws with what it printed when it ends instead.
 */
export async function startNats(port?: number, args: readonly string[] = []): Promise<NatsProcess> {
  const listening = port ?? (await freePort());
  const command = ['-a', '127.0.0.1', '-p', String(listening), ...args];
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
  // Whoever started it does not leave it behind.
  const onExit = () => child.kill('SIGKILL');
  process.once('exit', onExit);
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await ended;
    process.off('exit', onExit);
  };
  const deadline = performance.now() + READY_MS;
  while (!(await answers(listening))) {
    if (hasEnded(child)) throw new Error(`nats-server did not start:\n${printed}`);
    if (performance.now() > deadline) {
      await end('SIGKILL');
      throw new Error(`nats-server was not ready within ${READY_MS / 1000} s:\n${printed}`);
    }
    await sleep(20);
  }
  return {
    url: `nats://127.0.0.1:${listening}`,
    port: listening,
    pid: child.pid ?? 0,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  };
}

const hasEnded = (child: ChildProcess) =>
  child.pid === undefined || child.exitCode !== null || child.signalCode !== null;

/** Whether something on that port says who it is, as a nats-server does to everybody who connects. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const done = (answered: boolean) => {
      socket.destroy();
      resolve(answered);
    };
    socket.once('data', (bytes) => done(bytes.toString('latin1').startsWith('INFO ')));
    socket.once('error', () => done(false));
    socket.once('close', () => done(false));
    socket.setTimeout(1_000, () => done(false));
  });
}
