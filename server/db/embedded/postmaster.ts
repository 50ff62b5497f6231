import { execFile } from 'node:child_process';
import { link, readFile, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Endpoint } from './endpoint.ts';
import { codeOf } from './errors.ts';
import { readIfExists } from './files.ts';

const run = promisify(execFile);

/** The content of `postmaster.pid`. */
export interface Postmaster {
  pid: number;
  endpoint: Endpoint | undefined;
  ready: boolean;
  /** The whole file, to detect a change. */
  text: string;
}

/** Reads `postmaster.pid`; undefined if it does not exist or is incomplete. */
export async function readPostmaster(folder: string): Promise<Postmaster | undefined> {
  const text = (await readIfExists(pidFile(folder))) ?? '';
  // Lines: pid, folder, start time, port, socket folder, address, shared memory, status.
  const [pid = '', , , port = '', socket = '', address = '', , status = ''] = text
    .split('\n')
    .map((line) => line.trim());
  if (!/^\d+$/.test(pid)) return undefined;
  const host = socket || address;
  const endpoint = host && /^\d+$/.test(port) ? { host, port: Number(port) } : undefined;
  return { pid: Number(pid), endpoint, ready: status === 'ready', text };
}

/** Whether a process with this id exists, under any user. */
export function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/** Whether the process is a PostgreSQL server of this folder: after a crash its id may belong to another process, or a zombie. */
export async function isRunning(pid: number, folder: string): Promise<boolean> {
  if (!processExists(pid)) return false;
  try {
    if (process.platform === 'linux') {
      // Unlike the working folder, the command line is readable by every user.
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
 * Removes the `postmaster.pid` of a dead server whose process id now belongs to another process, because PostgreSQL would
 * refuse to start. The file is renamed first, and put back if another server has just written a new one.
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

/** Stops a server and waits until it has ended: by a fast shutdown, after 20 s an immediate one, after 40 s by SIGKILL. */
export async function stopPostmaster(pid: number, folder: string, pgCtl: string): Promise<void> {
  for (const [signal, mode] of [
    ['SIGINT', 'fast'],
    ['SIGQUIT', 'immediate'],
    ['SIGKILL', 'immediate'],
  ] as const) {
    try {
      // Windows has no signals.
      if (process.platform === 'win32') await run(pgCtl, ['stop', '-D', folder, '-m', mode]);
      else process.kill(pid, signal);
    } catch (error) {
      if (codeOf(error) === 'ESRCH') return;
      throw error;
    }
    const deadline = Date.now() + 20_000;
    while (Date.now() < deadline) {
      if (!(await isRunning(pid, folder))) return;
      await sleep(5);
    }
  }
}

function pidFile(folder: string): string {
  return join(folder, 'postmaster.pid');
}
