// Started by `ownTemporaryFolder`. When its standard input closes, the run has ended, even by SIGKILL: this process then kills the
// remaining processes of the run and removes its folder.
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Process, processesOf, readIfExists } from './processes.ts';

/** PostgreSQL's SIGQUIT also ends its child processes and frees its shared memory. */
function kill({ pid, program }: Process): void {
  try {
    process.kill(pid, program === 'postgres' ? 'SIGQUIT' : 'SIGKILL');
  } catch {
    // It has already ended.
  }
}

function unmountBelow(folder: string): void {
  for (const line of readIfExists('/proc/mounts').split('\n')) {
    const [, path = ''] = line.split(' ');
    if (path.startsWith(`${folder}/`)) execFileSync('umount', ['-l', path]);
  }
}

const [folder = ''] = process.argv.slice(2);
if (folder === '') throw new Error('usage: reaper.ts FOLDER');
for await (const _ of process.stdin);
for (let left = processesOf(folder); left.length > 0; left = processesOf(folder)) {
  for (const one of left) kill(one);
  await sleep(50);
}
unmountBelow(folder);
rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
