import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import type { Config } from '#server/config.ts';
import { ReleaseIntentStatus } from '#server/gen/forest/v1/releases_pb.ts';
import type { TestApp } from './harness.ts';
import { ended, type World, world } from './world.ts';

const ROOT = join(import.meta.dirname, '../..');
const run = promisify(execFile);

/** The database of the commands and a server of the same test. */
export type Where = { readonly dataDir: string } | { readonly databaseUrl: string };

/** Runs a command in a process. Returns its output and exit code. */
export async function command(
  name: 'backup' | 'restore' | 'reset-password' | 'verify-history',
  argument: string | null,
  where: Where,
): Promise<{ code: number; output: string }> {
  const env =
    'dataDir' in where
      ? { DATA_DIR: where.dataDir, DATABASE_URL: '' }
      : { DATABASE_URL: where.databaseUrl, DATA_DIR: '/nowhere' };
  const args = [
    '--import',
    './scripts/require-node.mjs',
    `scripts/${name}.ts`,
    ...(argument === null ? [] : [argument]),
  ];
  return run(process.execPath, args, { cwd: ROOT, env: { ...process.env, ...env } }).then(
    ({ stdout, stderr }) => ({ code: 0, output: stdout + stderr }),
    (failed: { code: number; stdout: string; stderr: string }) => ({
      code: failed.code,
      output: failed.stdout + failed.stderr,
    }),
  );
}

/** The configuration of a server on that database. */
export const settings = (where: Where): Partial<Config> =>
  'dataDir' in where ? { databaseUrl: null, dataDir: where.dataDir } : { databaseUrl: where.databaseUrl };

export interface Waiting {
  readonly w: World;
  /** A release with one of two required votes. */
  readonly intentId: string;
}

const COMMENT = 'tab\there, line\nbreak, back\\slash, \\N, "quotes", ünïcödé 🌲 and a nothing: ';

/** Creates finished and waiting releases, votes, their history, and values that need escaping. */
export async function waitingWorld(app: TestApp): Promise<Waiting> {
  const w = await world(app);
  const first = await w.artifact();
  await ended(w, await w.release(first.artifactId, ['staging']), ReleaseIntentStatus.SUCCEEDED);
  await w.approvalPolicy(2);
  const { artifactId } = await w.artifact();
  const intentId = await w.release(artifactId, ['production']);
  await w.reviewer.policies.approveRelease({
    project: w.project,
    releaseIntentId: intentId,
    targetEnvironment: 'production',
    comment: COMMENT,
  });
  return { w, intentId };
}

/** The content of a database as text: the rows of each table in order, and the values of sequences. */
export async function everything(config: pg.ClientConfig): Promise<Map<string, string[]>> {
  const client = new pg.Client(config);
  await client.connect();
  try {
    const found = new Map<string, string[]>();
    const tables = await client.query<{ name: string }>(
      `SELECT table_name AS name FROM information_schema.tables
        WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name <> 'schema_migrations' ORDER BY 1`,
    );
    for (const { name } of tables.rows) {
      const rows = await client.query<{ row: string }>(`SELECT t::text AS row FROM "${name}" t ORDER BY 1`);
      found.set(
        name,
        rows.rows.map(({ row }) => row),
      );
    }
    const sequences = await client.query<{ row: string }>(
      'SELECT sequencename || last_value AS row FROM pg_sequences ORDER BY 1',
    );
    found.set(
      'sequences',
      sequences.rows.map(({ row }) => row),
    );
    const migrations = await client.query<{ row: string }>(
      'SELECT name || sha256 AS row FROM schema_migrations ORDER BY number',
    );
    found.set(
      'migrations',
      migrations.rows.map(({ row }) => row),
    );
    return found;
  } finally {
    await client.end();
  }
}
