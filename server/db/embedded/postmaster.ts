import { execFile } from 'node:child_process';
import { link, readFile, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Endpoint } from './endpoint.ts';
import { codeOf } from './errors.ts';

const run = promisify(execFile);

/** What PostgreSQL wrote about itself into `postmaster.pid`. */
export interface Postmaster {
  pid: number;
  endpoint: Endpoint | undefined;
  ready: boolean;
  /** The whole file, to see whether it is still the same. */
  text: string;
}

/** Reads `postmaster.pid`; undefined when there is none or it is still being written. */
export async function readPostmaster(folder: string): Promise<Postmaster | undefined> {
  const text = await readFile(pidFile(folder), 'utf8').catch((error) => {
    if (codeOf(error) === 'ENOENT') return '';
    throw error;
  });
  // Lines: pid, folder, start time, port, socket folder, address, shared memory, status.
  const [pid = '', , , port = '', socket = '', address = '', , status = ''] = text
    .split('\n')
    .map((line) => line.trim());
  if (!/^\d+$/.test(pid)) return undefined;
  const host = socket || address;
  const endpoint = host && /^\d+$/.test(port) ? { host, port: Number(port) } : undefined;
  return { pid: Number(pid), endpoint, ready: status === 'ready', text };
}

/** Whether a process with this id exists, whoever owns it. */
export function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/**
 * Whether the process named in the file is a PostgreSQL server of this folder. After a crash the number may belong to a
 * process that has nothing to do with it; a zombie is no server either.
 */
export async function isRunning(postmaster: Postmaster, folder: string): Promise<boolean> {
  const { pid } = postmaster;
  if (!processExists(pid)) return false;
  try {
    if (process.platform === 'linux') {
      // Everybody may read the command line, unlike the working folder, which containers hide even from root.
      const [program = '', ...args] = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
      return basename(program) === 'postgres' && args.includes(folder);
    }
    if (process.platform === 'win32') return true;
    const { stdout } = await run('ps', ['-ww', '-o', 'command=', '-p', String(pid)]);
    return stdout.includes('postgres') && stdout.includes(folder);
  } catch {
    return false;
  }
}

/**
 * Takes a dead server's `postmaster.pid` away where PostgreSQL itself would refuse to start because a process of the same
 * user happens to have that number. Another server may be starting at this very moment, so the file is set aside first
 * and put back if it is not the one that was looked at.
 */
export async function clearStale(postmaster: Postmaster, folder: string): Promise<void> {
  if (!processExists(postmaster.pid)) return;
  const aside = `${pidFile(folder)}.${process.pid}.stale`;
  try {
    await rename(pidFile(folder), aside);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  if ((await readFile(aside, 'utf8')) !== postmaster.text)
    await link(aside, pidFile(folder)).catch(() => undefined);
  await rm(aside, { force: true });
}

/**
 * Stops a server, not necessarily a child of this process, and waits until it is gone: a fast shutdown (sessions are
 * ended, everything is written), after 20 s an immediate one.
 */
export async function stopPostmaster(pid: number, folder: string, pgCtl: string): Promise<void> {
  for (const [signal, mode] of [
    ['SIGINT', 'fast'],
    ['SIGQUIT', 'immediate'],
    ['SIGKILL', 'immediate'],
  ] as const) {
    try {
      // On Windows there are no signals to send; pg_ctl has its own way.
      if (process.platform === 'win32') await run(pgCtl, ['stop', '-D', folder, '-m', mode]);
      else process.kill(pid, signal);
    } catch (error) {
      if (codeOf(error) === 'ESRCH') return;
      throw error;
    }
    const deadline = Date.now() + 20_000;
    while (Date.now() < deadline) {
      if (!(await isRunning({ pid, endpoint: undefined, ready: false, text: '' }, folder))) return;
      await sleep(5);
    }
  }
}

function pidFile(folder: string): string {
  return join(folder, 'postmaster.pid');
}
