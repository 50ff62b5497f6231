import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { MIGRATIONS, migrate } from '#server/db/migrate.ts';
import { startPostgres } from './postgres-server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The superuser's URL of the PostgreSQL that all server tests share, and of its database `migrated`, to copy. */
    postgres: string;
  }
}

const quiet = { info() {}, warn() {}, error: console.error };

/** Starts one PostgreSQL for the run; each test app creates its own database in it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'forage-tests-'));
  const postgres = await startPostgres({
    folder,
    // Checking a password costs more than most statements of a test.
    access: ['host all all 127.0.0.1/32 trust'],
    settings: { full_page_writes: 'off', io_method: 'sync', max_connections: '100', shared_buffers: '64MB' },
  });
  const url = new URL(postgres.url({ sslmode: 'disable' }, 'postgres'));
  const superuser = await postgres.superuser();
  await superuser.query('create database migrated owner forage');
  await superuser.end();
  url.pathname = 'migrated';
  const { href } = Object.assign(new URL(url), { username: 'forage' });
  const client = new pg.Client({ connectionString: href });
  await client.connect();
  await migrate(client, MIGRATIONS, quiet).finally(() => client.end());
  project.provide('postgres', url.href);
  return async () => {
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  };
}
