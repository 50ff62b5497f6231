import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientBase } from 'pg';
import type { Log } from './log.ts';

/** The schema cannot be migrated. The message is one line. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

export interface Migration {
  name: string;
  sql: string;
  sha256: string;
  /** What runs in a transaction each: the whole file, or its paragraphs. */
  steps: readonly Step[];
}

interface Step {
  sql: string;
  /** The number of its first line in the file. */
  line: number;
}

/** The folder of this version's migrations. */
export const MIGRATIONS = join(import.meta.dirname, 'migrations');

/** The advisory lock of migrations; any number that is not used otherwise. */
const MIGRATION_LOCK = '4401278563310911';
const FILE_NAME = /^(\d{4})_[a-z0-9_]+\.sql$/;
/** The first line of a file whose paragraphs, which blank lines separate, are transactions of their own. */
const IN_STEPS = /^-- In steps: /;

/**
 * Runs the files `0001_name.sql`, `0002_…` of `directory` that have not run yet, in order, each in its own transaction with its
 * row in `schema_migrations`. A file that begins with `-- In steps: ` runs each of its paragraphs in its own transaction, so that no
 * lock is held while another is waited for; they may run again, after a crash. Any number of servers may call it at once: a lock lets
 * one of them work. Costs one query when there is nothing to do.
 * @param client a connection that is not in a transaction
 * @param upTo the number of files to run, for a restore of an older backup
 * @returns the names of the files that ran
 * @throws MigrationError when a file that ran has changed or is missing, the numbers have a gap, the database is newer or not in
 * UTF-8, or a file fails (its transaction is rolled back, those before it are kept)
 */
export async function migrate(
  client: ClientBase,
  directory: string,
  log: Log,
  { upTo }: { upTo?: number } = {},
): Promise<{ applied: string[] }> {
  const wanted = (await readMigrations(directory)).slice(0, upTo);
  const before = await readApplied(client);
  if (before.length === 0) await requireUtf8(client);
  const applied: string[] = [];
  for (const migration of wanted.slice(compare(wanted, before))) {
    if (await apply(client, migration, wanted, log)) {
      applied.push(migration.name);
      log.info({ migration: migration.name }, 'migrated the database');
    }
  }
  return { applied };
}

/** The migrations in `directory`, in order. @throws MigrationError when a name is invalid or the numbers have a gap. */
export async function readMigrations(directory: string): Promise<Migration[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(
    names.map(async (name, index) => {
      const number = FILE_NAME.exec(name)?.[1];
      if (number === undefined)
        throw new MigrationError(`${join(directory, name)} is not named like 0001_what_it_does.sql`);
      if (Number(number) !== index + 1) {
        const expected = String(index + 1).padStart(4, '0');
        throw new MigrationError(
          `Migration ${name} is out of sequence, ${expected} is expected; numbers start at 0001, without gaps or duplicates`,
        );
      }
      // A checkout may convert line ends.
      const sql = (await readFile(join(directory, name), 'utf8')).replaceAll('\r\n', '\n');
      return { name, sql, sha256: createHash('sha256').update(sql).digest('hex'), steps: stepsOf(sql) };
    }),
  );
}

function stepsOf(sql: string): Step[] {
  if (!IN_STEPS.test(sql)) return [{ sql, line: 1 }];
  let line = 1;
  return sql.split(/(?<=\n)(?=\n)/).map((paragraph) => {
    const step = { sql: paragraph, line };
    line += paragraph.split('\n').length - 1;
    return step;
  });
}

async function readApplied(client: ClientBase): Promise<Pick<Migration, 'name' | 'sha256'>[]> {
  try {
    const { rows } = await client.query<Pick<Migration, 'name' | 'sha256'>>(
      'SELECT name, sha256 FROM schema_migrations ORDER BY number',
    );
    return rows;
  } catch (error) {
    // undefined_table: no migration has run yet.
    if (error instanceof Error && 'code' in error && error.code === '42P01') return [];
    throw error;
  }
}

/** Other encodings cannot store every name and comment. */
async function requireUtf8(client: ClientBase): Promise<void> {
  const { rows } = await client.query<{ server_encoding: string }>('SHOW server_encoding');
  const encoding = rows[0]?.server_encoding;
  if (encoding === 'UTF8') return;
  throw new MigrationError(
    `The encoding of the database is ${encoding}, and Forage requires UTF8; drop it, and create it with ENCODING 'UTF8' TEMPLATE template0`,
  );
}

/** Checks that the applied migrations are the first of the wanted ones; returns their number. */
function compare(wanted: Migration[], applied: Pick<Migration, 'name' | 'sha256'>[]): number {
  applied.forEach((done, index) => {
    const file = wanted[index];
    if (!file) {
      throw new MigrationError(
        `The database is newer than this Forage (it has migration ${done.name}); start the version that was used last, or restore a backup`,
      );
    }
    if (file.name !== done.name) {
      throw new MigrationError(
        `The database has migration ${done.name} where this Forage has ${file.name}; start the version that was used last`,
      );
    }
    if (file.sha256 !== done.sha256) {
      throw new MigrationError(
        `Migration ${file.name} has changed since it ran here; undo the change and write a new migration`,
      );
    }
  });
  return applied.length;
}

/** How long a step waits for a lock, because the requests of running servers wait behind it; then it starts again. */
const LOCK_TIMEOUT = '2s';
const LOCK_ATTEMPTS = 60;
const LOCK_RETRY_MS = 250;

/** PostgreSQL's `lock_not_available` and `deadlock_detected`. */
const isLockFailure = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === '55P03' || error.code === '40P01');

/** Runs one file, unless another server has already run it, and logs its warnings. Returns whether it ran. */
async function apply(
  client: ClientBase,
  migration: Migration,
  wanted: Migration[],
  log: Log,
): Promise<boolean> {
  const { name, sha256, steps } = migration;
  const warn = (notice: { severity?: string | undefined; message?: string | undefined }) => {
    if (notice.severity === 'WARNING') log.warn({ migration: name }, notice.message ?? '');
  };
  client.on('notice', warn);
  try {
    // Migrations, and waiting for those of another server, may take long.
    await client.query('SET statement_timeout = 0; SET lock_timeout = 0');
    await client.query('SELECT pg_advisory_lock($1::bigint)', [MIGRATION_LOCK]);
    await client.query(`CREATE TABLE IF NOT EXISTS schema_migrations (
      number integer PRIMARY KEY,
      name text NOT NULL,
      sha256 text NOT NULL,
      applied_at timestamptz NOT NULL DEFAULT now()
    )`);
    if (compare(wanted, await readApplied(client)) > wanted.indexOf(migration)) return false;
    await client.query(`SET lock_timeout = '${LOCK_TIMEOUT}'`);
    const done = `;\nINSERT INTO schema_migrations (number, name, sha256) VALUES (${Number(name.slice(0, 4))}, '${name}', '${sha256}')`;
    for (const step of steps) await applyPatiently(client, name, step, step === steps.at(-1) ? done : '');
    return true;
  } finally {
    client.off('notice', warn);
    await client
      .query(`SELECT pg_advisory_unlock(${MIGRATION_LOCK}); RESET statement_timeout; RESET lock_timeout`)
      .catch(() => undefined);
  }
}

/** Runs a step, and again while running servers hold the locks that it needs. PostgreSQL makes one transaction of its statements. */
async function applyPatiently(
  client: ClientBase,
  name: string,
  { sql, line }: Step,
  done: string,
): Promise<void> {
  for (let tried = 1; ; tried++) {
    try {
      await client.query(sql + done);
      return;
    } catch (error) {
      if (!isLockFailure(error) || tried >= LOCK_ATTEMPTS) {
        throw new MigrationError(`Migration ${name} failed${lineOf(error, sql, line)}: ${messageOf(error)}`, {
          cause: error,
        });
      }
      await sleep(LOCK_RETRY_MS);
    }
  }
}

function lineOf(error: unknown, sql: string, line: number): string {
  const position = error instanceof Error && 'position' in error ? Number(error.position) : Number.NaN;
  return Number.isNaN(position) ? '' : ` at line ${line - 1 + sql.slice(0, position).split('\n').length}`;
}

const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ');
