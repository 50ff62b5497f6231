import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import type { ClientBase } from 'pg';
import { type CopyStreamQuery, from as copyFrom } from 'pg-copy-streams';
import type { Log } from '../embedded/log.ts';
import { MIGRATIONS, migrate, readMigrations } from '../migrate.ts';
import { applicationName } from '../peers.ts';
import { ArchiveError } from './errors.ts';
import type { ArchivedTable, Header } from './format.ts';
import { readArchive } from './read.ts';
import { tablesOf } from './tables.ts';
import { type Progress, SESSION, type Written } from './write.ts';

export interface RestoreOptions {
  readonly file: string;
  readonly log: Log;
  readonly progress?: Progress;
  /** Breaks the work off; no row is left behind then. */
  readonly signal?: AbortSignal;
}

/**
 * Reads a whole backup and compares it with this version of Forage, before any database is touched.
 * @throws ArchiveError when the file is damaged, of a newer version, or of another line of migrations.
 */
export async function inspectArchive(file: string, signal?: AbortSignal): Promise<Header> {
  const header = await readArchive(file, {}, signal);
  const known = await readMigrations(MIGRATIONS);
  header.migrations.forEach(({ name, sha256 }, index) => {
    const own = known[index];
    if (own === undefined) {
      throw new ArchiveError(
        `${file} was made by a newer Forage (${header.product}, with migration ${name}): restore it with that version`,
      );
    }
    if (own.name !== name || own.sha256 !== sha256) {
      const other =
        own.name === name
          ? `another text of migration ${name}`
          : `migration ${name} where this has ${own.name}`;
      throw new ArchiveError(
        `${file} was made by a Forage (${header.product}) with ${other}: restore it with the version that made it`,
      );
    }
  });
  return header;
}

/**
 * Loads a backup that `inspectArchive` has passed into an empty database: makes the schema that it had, loads all rows in one
 * transaction with their ids, then runs the migrations that came later. Tables in the backup that Forage does not make (somebody's
 * own) are left out, with a warning.
 *
 * `client` is one connection that is not in a transaction; its role owns the database's tables, or may make them.
 * @throws ArchiveError when the database is not empty or is in use; nothing of the backup is in it then, and it may be tried again.
 */
export async function restoreArchive(
  client: ClientBase,
  header: Header,
  options: RestoreOptions,
): Promise<Written> {
  await refuseServers(client);
  await refuseFilled(client, header);
  await migrate(client, MIGRATIONS, options.log, { upTo: header.migrations.length });
  await client.query('BEGIN');
  let total: Written;
  try {
    await client.query(SESSION);
    total = await load(client, header, options);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
  await migrate(client, MIGRATIONS, options.log);
  await client.query('ANALYZE');
  return total;
}

/** A server would find its database changed under it. One that is idle may have no connection, and then finds the lock. */
async function refuseServers(client: ClientBase): Promise<void> {
  const { rows } = await client.query<{ running: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_stat_activity
       WHERE datname = current_database() AND starts_with(application_name, $1)) AS running`,
    [applicationName('')],
  );
  if (rows[0]?.running) {
    throw new ArchiveError(
      'A Forage server is connected to this database: stop it first, and start it after the restore',
    );
  }
}

/** Everything a person made hangs on a user or an organisation: without these there is nothing to lose. */
async function refuseFilled(client: ClientBase, header: Header): Promise<void> {
  const tables = new Set((await tablesOf(client)).map(({ name }) => name));
  if (!tables.has('users') || !tables.has('organisations')) return;
  const { rows } = await client.query<{ filled: boolean }>(
    'SELECT EXISTS (SELECT FROM users) OR EXISTS (SELECT FROM organisations) AS filled',
  );
  if (rows[0]?.filled) {
    throw new ArchiveError(
      'The database is not empty: it has users or organisations, which a restore would mix with those of the backup. ' +
        'Restore into a new DATA_DIR or a new database, or move the present one away first',
    );
  }
  const applied = await client.query<{ count: number }>(
    'SELECT count(*)::int AS count FROM schema_migrations',
  );
  if ((applied.rows[0]?.count ?? 0) > header.migrations.length) {
    throw new ArchiveError(
      'A server of a newer version than the backup has prepared this database already: restore into a new one, ' +
        'before a server is started on it',
    );
  }
}

async function load(client: ClientBase, header: Header, options: RestoreOptions): Promise<Written> {
  const own = new Map((await tablesOf(client)).map((table) => [table.name, table]));
  const shared = header.tables.filter(({ name }) => own.has(name));
  await lock(client, shared);
  await refuseFilled(client, header);
  // What a server that was started on the empty database left: the token of its set-up.
  for (const { name } of shared.toReversed())
    await client.query(`DELETE FROM ${client.escapeIdentifier(name)}`);
  const triggers = await silenceInserts(client, shared);

  const total = { tables: 0, rows: 0, bytes: 0 };
  const current: { loading: Loading | null; bytes: number } = { loading: null, bytes: 0 };
  const loaded = await readArchive(
    options.file,
    {
      async table(table) {
        const target = own.get(table.name);
        if (target === undefined) {
          options.log.warn({ table: table.name }, 'not a table of Forage: left out');
          return;
        }
        if (target.columns.toSorted().join() !== table.columns.toSorted().join()) {
          throw new ArchiveError(`${table.name} has other columns in the backup than its migrations make`);
        }
        current.loading = open(client, table);
        current.bytes = 0;
      },
      async rows(chunk) {
        if (current.loading === null) return;
        await current.loading.write(chunk);
        current.bytes += chunk.length;
        options.progress?.(current.loading.table, 0, current.bytes);
      },
      async tableEnd(table, sum) {
        if (current.loading === null) return;
        const rows = await current.loading.end();
        current.loading = null;
        if (rows !== sum.rows) throw new ArchiveError(`${table.name} took ${rows} rows of ${sum.rows}`);
        options.progress?.(table.name, rows, sum.bytes);
        total.tables++;
        total.rows += sum.rows;
        total.bytes += sum.bytes;
      },
    },
    options.signal,
  ).catch(async (error) => {
    await current.loading?.abandon();
    throw error;
  });
  if (JSON.stringify(loaded) !== JSON.stringify(header)) {
    throw new ArchiveError(`${options.file} was replaced while it was being restored: try again`);
  }
  for (const { table, name, enable } of triggers) {
    await client.query(
      `ALTER TABLE ${client.escapeIdentifier(table)} ${enable} TRIGGER ${client.escapeIdentifier(name)}`,
    );
  }
  await setSequences(client, header);
  return total;
}

/**
 * Rows come back as they were: what a trigger made of them when they were written stands in them. Silenced within the
 * transaction, so nobody else ever finds a trigger off. Gives how each is to be switched on again.
 */
async function silenceInserts(
  client: ClientBase,
  tables: readonly ArchivedTable[],
): Promise<{ table: string; name: string; enable: string }[]> {
  const { rows } = await client.query<{ table: string; name: string; enable: string }>(
    `SELECT c.relname AS "table", g.tgname AS name,
            CASE g.tgenabled WHEN 'A' THEN 'ENABLE ALWAYS' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE' END AS enable
       FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = current_schema() AND c.relname = ANY ($1) AND NOT g.tgisinternal AND g.tgenabled <> 'D'
        AND (g.tgtype & 4) = 4`,
    [tables.map(({ name }) => name)],
  );
  for (const { table, name } of rows) {
    await client.query(
      `ALTER TABLE ${client.escapeIdentifier(table)} DISABLE TRIGGER ${client.escapeIdentifier(name)}`,
    );
  }
  return rows;
}

async function lock(client: ClientBase, tables: readonly ArchivedTable[]): Promise<void> {
  if (tables.length === 0) return;
  const list = tables.map(({ name }) => client.escapeIdentifier(name)).join(', ');
  await client.query(`LOCK TABLE ${list} IN ACCESS EXCLUSIVE MODE`).catch((error) => {
    if (!(error instanceof Error && 'code' in error && error.code === '55P03')) throw error;
    throw new ArchiveError(
      'Other programs are using the tables of this database: stop all Forage servers on it first',
      {
        cause: error,
      },
    );
  });
}

async function setSequences(client: ClientBase, header: Header): Promise<void> {
  for (const { name, value, called } of header.sequences) {
    await client.query(
      `SELECT setval(c.oid::regclass, $2::bigint, $3)
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relname = $1 AND c.relkind = 'S' AND n.nspname = current_schema()`,
      [name, value, called],
    );
  }
}

/** One COPY into a table. */
interface Loading {
  readonly table: string;
  write(chunk: Buffer): Promise<void>;
  /** Resolves with the number of rows that the database took. */
  end(): Promise<number>;
  /** Ends the COPY without its rows, so that the connection can be spoken to again. */
  abandon(): Promise<void>;
}

function open(client: ClientBase, { name, columns }: ArchivedTable): Loading {
  const list = columns.map((column) => client.escapeIdentifier(column)).join(', ');
  const stream: CopyStreamQuery = client.query(
    copyFrom(`COPY ${client.escapeIdentifier(name)} (${list}) FROM STDIN`),
  );
  const done = finished(stream);
  let over = false;
  done.then(
    () => (over = true),
    () => (over = true),
  );
  return {
    table: name,
    async write(chunk) {
      // The chunk is part of a buffer that goes on being used.
      if (!stream.write(Buffer.from(chunk))) await Promise.race([once(stream, 'drain'), done]);
    },
    async end() {
      stream.end();
      await done;
      return stream.rowCount;
    },
    async abandon() {
      // One that the database has ended already is not there to be told.
      if (!over) stream.destroy();
      await done.catch(() => undefined);
    },
  };
}
