import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startEmbedded } from '#server/db/embedded/index.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** How to reach the one PostgreSQL that all server tests share, as its superuser. */
    postgres: { host: string; port: number; password: string };
  }
}

const quiet = { info() {}, warn() {}, error: console.error };

/** One real PostgreSQL for a whole run; each test app makes a database of its own in it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'forage-tests-'));
  const postgres = await startEmbedded({ dataDir: folder, log: quiet });
  const { host, port, password } = postgres.connection;
  project.provide('postgres', { host, port, password });
  return async () => {
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  };
}
