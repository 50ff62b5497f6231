import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './run.ts';

const VARIABLE = 'FORAGE_TEMPORARY_RUN';

/**
 * Gives this process and its children a temporary folder of their own (TMPDIR). When this process ends, also by SIGKILL,
 * `reaper.ts` kills all processes that use the folder and removes it. Does nothing in a child of such a process.
 */
export function ownTemporaryFolder(): void {
  if (process.env[VARIABLE] !== undefined) return;
  const folder = mkdtempSync(join(tmpdir(), 'forage-run-'));
  // As root, PostgreSQL runs as another user, who must be able to enter it.
  chmodSync(folder, 0o755);
  const reaper = spawn(process.execPath, ['scripts/reaper.ts', folder], {
    cwd: root,
    stdio: ['pipe', 'ignore', 'inherit'],
    // The terminal's Ctrl-C must not reach it.
    detached: true,
  });
  reaper.unref();
  if (reaper.stdin instanceof Socket) reaper.stdin.unref();
  // Node keeps compiled code there for all processes of the run.
  const NODE_COMPILE_CACHE = join(folder, 'compiled');
  Object.assign(process.env, { [VARIABLE]: folder, TMPDIR: folder, NODE_COMPILE_CACHE });
}

/** The global setup of vitest and Playwright. */
export default ownTemporaryFolder;
