import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';

export interface Process {
  readonly pid: number;
  readonly program: string;
}

/** Other processes with the folder in TMPDIR or in an argument, except those of other users, which cannot be read. */
export function processesOf(folder: string): Process[] {
  return listProcesses().flatMap(({ pid, program, text }) =>
    pid !== process.pid && text.includes(folder) ? [{ pid, program }] : [],
  );
}

function listProcesses(): (Process & { text: string })[] {
  if (process.platform !== 'linux') {
    const lines = execFileSync('ps', ['axeww', '-o', 'pid=,command='], { encoding: 'utf8' }).split('\n');
    return lines.flatMap((line) => {
      const [, pid, program = ''] = /^\s*(\d+)\s+(\S+)/.exec(line) ?? [];
      return pid === undefined ? [] : [{ pid: Number(pid), program: basename(program), text: line }];
    });
  }
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    const command = readIfExists(`/proc/${entry}/cmdline`);
    const program = basename(command.split('\0', 1)[0] ?? '');
    return [{ pid: Number(entry), program, text: command + readIfExists(`/proc/${entry}/environ`) }];
  });
}

/** The text of a file; empty when it cannot be read. */
export function readIfExists(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
