import { readdirSync, readFileSync } from 'node:fs';
import type pg from 'pg';

/** Ticks per second of the times in /proc. */
const TICKS = 100;

interface ProcessTime {
  readonly parent: number;
  readonly command: string;
  readonly seconds: number;
}

/** The fields after the name, which is in brackets and may contain anything. */
function read(pid: number): ProcessTime | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return {
      parent: Number(fields[1]),
      command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim(),
      // Its own, and that of its children that have ended.
      seconds: fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS,
    };
  } catch {
    // It has ended.
    return null;
  }
}

/** The CPU time of a process and its descendants so far, in seconds. */
function cpuSeconds(pid: number): number {
  const all = new Map<number, ProcessTime>();
  for (const name of readdirSync('/proc')) {
    const found = /^\d+$/.test(name) ? read(Number(name)) : null;
    if (found !== null) all.set(Number(name), found);
  }
  const isBelow = (one: number): boolean => {
    if (one === pid) return true;
    const parent = all.get(one)?.parent ?? 0;
    return parent > 1 && isBelow(parent);
  };
  return [...all].reduce((sum, [one, { seconds }]) => (isBelow(one) ? sum + seconds : sum), 0);
}

/** Finds PostgreSQL's main process; the result reads the CPU time of a server and its PostgreSQL so far, in seconds. */
export async function cpuMeter(serverPid: number, client: pg.Client): Promise<() => number> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  const postmaster = read(rows[0]?.pid ?? 0)?.parent;
  if (postmaster === undefined) throw new Error('PostgreSQL runs on another machine');
  return () => cpuSeconds(serverPid) + cpuSeconds(postmaster);
}
