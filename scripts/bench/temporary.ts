import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ownTemporaryFolder } from '../temporary-run.ts';

/** Runs `work` with an empty folder, and deletes it afterwards. */
export async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  ownTemporaryFolder();
  const folder = mkdtempSync(join(tmpdir(), 'forage-bench-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
