import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClientBase } from 'pg';
import type { Log } from './embedded/log.ts';

/** The schema cannot be brought to this version. The message is one line for a person. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

export interface Migration {
  name: string;
  sql: string;
  sha256: string;
}

/** The files that this version of Forage brings. */
export const MIGRATIONS = join(import.meta.dirname, 'migrations');

/** Any number that no other advisory lock of the product uses. */
const MIGRATION_LOCK = '4401278563310911';
const FILE_NAME = /^(\d{4})_[a-z0-9_]+\.sql$/;

/**
 * Brings the database's schema to this version: runs the files `0001_name.sql`, `0002_…` of `directory` that have not run
 * yet, in order, each in a transaction of its own together with its entry in `schema_migrations`. Any number of servers
 * may do this at once: a lock inside each transaction lets one work, and the others find it done. When there is nothing
 * to do it costs one query.
 *
 * `client` is one connection that is not in a transaction. With `upTo` only the first so many files are known, for data of an
 * older version that is loaded before the rest runs. Returns the names of the files that ran.
 * @throws MigrationError when a file that ran has changed since or is missing, the numbers have a gap, the database is of
 * a newer version, an empty one cannot hold every text, or a file fails (its transaction is then undone; those before it
 * stand).
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
    if (await apply(client, migration, wanted)) {
      applied.push(migration.name);
      log.info({ migration: migration.name }, 'migrated the database');
    }
  }
  return { applied };
}

/** The migrations in `directory`, in order. @throws MigrationError when a name is odd or the numbers have a gap. */
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
          `Migration ${name} stands where ${expected} is due: numbers start at 0001, without gaps or doubles`,
        );
      }
      // A checkout may turn line ends; that changes nothing of what the file does.
      const sql = (await readFile(join(directory, name), 'utf8')).replaceAll('\r\n', '\n');
      return { name, sql, sha256: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

async function readApplied(client: ClientBase): Promise<Pick<Migration, 'name' | 'sha256'>[]> {
  try {
    const { rows } = await client.query<Pick<Migration, 'name' | 'sha256'>>(
      'SELECT name, sha256 FROM schema_migrations ORDER BY number',
    );
    return rows;
  } catch (error) {
    // undefined_table: nothing has run here yet
    if (error instanceof Error && 'code' in error && error.code === '42P01') return [];
    throw error;
  }
}

/** Where nothing is stored yet: in another encoding names and comments would be refused one day, or miscounted and missorted. */
async function requireUtf8(client: ClientBase): Promise<void> {
  const { rows } = await client.query<{ server_encoding: string }>('SHOW server_encoding');
  const encoding = rows[0]?.server_encoding;
  if (encoding === 'UTF8') return;
  throw new MigrationError(
    `The database's encoding is ${encoding}, and Forage needs UTF8: drop it, and create it with ENCODING 'UTF8' TEMPLATE template0`,
  );
}

/** Checks that what has run is the beginning of what is wanted; returns how many have run. */
function compare(wanted: Migration[], applied: Pick<Migration, 'name' | 'sha256'>[]): number {
  applied.forEach((done, index) => {
    const file = wanted[index];
    if (!file) {
      throw new MigrationError(
        `The database is newer than this Forage (it has migration ${done.name}): start the version that was used last, or restore a backup`,
      );
    }
    if (file.name !== done.name) {
      throw new MigrationError(
        `The database has migration ${done.name} where this Forage has ${file.name}: they do not belong together`,
      );
    }
    if (file.sha256 !== done.sha256) {
      throw new MigrationError(
        `Migration ${file.name} has changed since it ran here: undo the change and write a new migration`,
      );
    }
  });
  return applied.length;
}

/** Runs one file, unless another server has done it meanwhile; says which. */
async function apply(client: ClientBase, migration: Migration, wanted: Migration[]): Promise<boolean> {
  const { name, sql, sha256 } = migration;
  await client.query('BEGIN');
  try {
    // Migrations may take long, and so may waiting for another server's.
    await client.query('SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0');
    await client.query('SELECT pg_advisory_xact_lock($1::bigint)', [MIGRATION_LOCK]);
    await client.query(`CREATE TABLE IF NOT EXISTS schema_migrations (
      number integer PRIMARY KEY,
      name text NOT NULL,
      sha256 text NOT NULL,
      applied_at timestamptz NOT NULL DEFAULT now()
    )`);
    const done = compare(wanted, await readApplied(client));
    const isDone = done > wanted.indexOf(migration);
    if (!isDone) {
      await client.query(sql).catch((error) => {
        throw new MigrationError(`Migration ${name} failed${place(error, sql)}: ${words(error)}`, {
          cause: error,
        });
      });
      await client.query('INSERT INTO schema_migrations (number, name, sha256) VALUES ($1, $2, $3)', [
        Number(name.slice(0, 4)),
        name,
        sha256,
      ]);
    }
    await client.query('COMMIT');
    return !isDone;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

function place(error: unknown, sql: string): string {
  const position = error instanceof Error && 'position' in error ? Number(error.position) : Number.NaN;
  return Number.isNaN(position) ? '' : ` at line ${sql.slice(0, position).split('\n').length}`;
}

function words(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ');
}
