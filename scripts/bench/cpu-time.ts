import { readdirSync, readFileSync } from 'node:fs';

/** Ticks of the kernel's clock in a second, as /proc tells times. */
const TICKS = 100;

interface ProcessTime {
  readonly parent: number;
  readonly command: string;
  readonly seconds: number;
}

/** What is left after the name, which may hold anything, in brackets. */
function read(pid: number): ProcessTime | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return {
      parent: Number(fields[1]),
      command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim(),
      seconds: (Number(fields[11]) + Number(fields[12])) / TICKS,
    };
  } catch {
    // It has ended meanwhile.
    return null;
  }
}

/** The processor time that a process and all below it have taken so far, in seconds. */
export function cpuSeconds(pid: number): number {
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

/** The parent of a process; 0 when there is none. */
export const parentOf = (pid: number): number => read(pid)?.parent ?? 0;
