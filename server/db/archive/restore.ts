import { pipeline } from 'node:stream/promises';
import type { ClientBase } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { MIGRATIONS, migrate, readMigrations } from '../migrate.ts';
import { applicationName } from '../peers.ts';
import { type ArchiveWork, openTarget, type Written, withOpenDatabase } from './database-location.ts';
import { type ArchivedTable, ArchiveError, type Header, type TableSum } from './format.ts';
import { type Part, readArchive, verifyArchive } from './read.ts';
import { namesOf, SESSION, tablesOf } from './tables.ts';

/**
 * Restores a backup into an empty database: creates the schema of the backup, loads all rows in one transaction, then runs the
 * later migrations. The whole file is checked before the database is opened. Tables that are not Forage's are left out, with a
 * warning.
 * @throws ArchiveError, EmbeddedStartError, DatabaseStartError, MigrationError or the database's error; no row is then stored,
 * and a retry is possible
 */
export async function restore(work: ArchiveWork): Promise<Written> {
  const { location, file, log, signal } = work;
  const header = await verifyArchive(file, signal);
  await requireKnownMigrations(file, header);
  return withOpenDatabase(await openTarget(location, log), signal, async (client) => {
    await refuseServers(client);
    await refuseFilled(client, header);
    await migrate(client, MIGRATIONS, log, { upTo: header.migrations.length });
    await client.query('BEGIN');
    let total: Written;
    try {
      await client.query(SESSION);
      total = await load(client, header, work);
      await client.query('COMMIT');
    } catch (error) {
      await client.query('ROLLBACK').catch(() => undefined);
      throw error;
    }
    await migrate(client, MIGRATIONS, log);
    await doubtRecentPlaces(client, header);
    await client.query('ANALYZE');
    return total;
  });
}

/** Makes places uncertain that had a delivery within the day before the backup: there may have been more since. */
async function doubtRecentPlaces(client: ClientBase, { madeAt }: Header): Promise<void> {
  await client.query(
    `SELECT doubt_place(p.destination_id, p.project_id, 'restored from a backup of ' || $2, nextval('moments'), now())
       FROM places p
      WHERE EXISTS (SELECT FROM delivery_runs u
                     WHERE u.destination_id = p.destination_id AND u.project_id = p.project_id
                       AND coalesce(u.ended_at, now()) > $1::timestamptz - interval '1 day')`,
    [madeAt, `${madeAt.slice(0, 16).replace('T', ' ')} UTC`],
  );
}

/** Refuses a backup of a newer version, or one with other migrations. */
async function requireKnownMigrations(file: string, header: Header): Promise<void> {
  const known = await readMigrations(MIGRATIONS);
  header.migrations.forEach(({ name, sha256 }, index) => {
    const own = known[index];
    if (own === undefined) {
      throw new ArchiveError(
        `${file} was created by a newer Forage (${header.product}, with migration ${name}); restore it with that version`,
      );
    }
    if (own.name === name && own.sha256 === sha256) return;
    const other =
      own.name === name
        ? `a different version of migration ${name}`
        : `migration ${name} where this has ${own.name}`;
    throw new ArchiveError(
      `${file} was created by a Forage (${header.product}) with ${other}; restore it with the version that created it`,
    );
  });
}

/** Refuses while servers are connected. An idle server may have no connection; it then waits for the lock. */
async function refuseServers(client: ClientBase): Promise<void> {
  const { rows } = await client.query<{ running: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_stat_activity
       WHERE datname = current_database() AND starts_with(application_name, $1)) AS running`,
    [applicationName('')],
  );
  if (rows[0]?.running) {
    throw new ArchiveError(
      'A Forage server is connected to this database; stop it first, and start it after the restore',
    );
  }
}

/** All data belongs to a user or an organisation; without these the database counts as empty. */
async function refuseFilled(client: ClientBase, header: Header): Promise<void> {
  const tables = new Set((await tablesOf(client)).map(({ name }) => name));
  if (!tables.has('users') || !tables.has('organisations')) return;
  const { rows } = await client.query<{ filled: boolean }>(
    'SELECT EXISTS (SELECT FROM users) OR EXISTS (SELECT FROM organisations) AS filled',
  );
  if (rows[0]?.filled) {
    throw new ArchiveError('The database is not empty; restore into a new DATA_DIR or a new database');
  }
  const applied = await client.query<{ count: number }>(
    'SELECT count(*)::int AS count FROM schema_migrations',
  );
  if ((applied.rows[0]?.count ?? 0) > header.migrations.length) {
    throw new ArchiveError(
      'A newer server than that of the backup has migrated this database; restore into a new one before starting a server',
    );
  }
}

async function load(client: ClientBase, header: Header, work: ArchiveWork): Promise<Written> {
  const { file, log, progress, signal } = work;
  const own = new Map((await tablesOf(client)).map((table) => [table.name, table]));
  const shared = header.tables.filter(({ name }) => own.has(name));
  await lock(client, shared);
  await refuseFilled(client, header);
  // A server that was started on the empty database has left its set-up token.
  for (const { name } of shared.toReversed())
    await client.query(`DELETE FROM ${client.escapeIdentifier(name)}`);
  const triggers = await disableInsertTriggers(client, shared);

  const total = { tables: 0, rows: 0, bytes: 0 };
  const parts = readArchive(file, signal);
  for await (const part of parts) {
    if (part.kind === 'header' && JSON.stringify(part.header) !== JSON.stringify(header))
      throw new ArchiveError(`${file} was replaced during the restore; try again`);
    if (part.kind !== 'table') continue;
    const { name, columns } = part.table;
    const target = own.get(name);
    if (target === undefined) {
      log.warn({ table: name }, 'left out a table that is not part of Forage');
      continue;
    }
    if (target.columns.toSorted().join() !== columns.toSorted().join())
      throw new ArchiveError(`${name} has other columns in the backup than in its migrations`);
    const sum = await loadTable(client, part.table, parts, (bytes) => progress?.(name, 0, bytes));
    progress?.(name, sum.rows, sum.bytes);
    total.tables++;
    total.rows += sum.rows;
    total.bytes += sum.bytes;
  }
  for (const { table, name, enable } of triggers) {
    await client.query(
      `ALTER TABLE ${client.escapeIdentifier(table)} ${enable} TRIGGER ${client.escapeIdentifier(name)}`,
    );
  }
  await setSequences(client, header);
  return total;
}

/** Stores the rows that come next in `parts`. Returns the sums that follow them. */
async function loadTable(
  client: ClientBase,
  { name, columns }: ArchivedTable,
  parts: AsyncGenerator<Part>,
  progress: (bytes: number) => void,
): Promise<TableSum> {
  const list = columns.map((column) => client.escapeIdentifier(column)).join(', ');
  const copy = client.query(copyFrom(`COPY ${client.escapeIdentifier(name)} (${list}) FROM STDIN`));
  const end: { sum?: TableSum } = {};
  await pipeline(async function* () {
    for (let bytes = 0; ; ) {
      const { value: part } = await parts.next();
      if (part?.kind === 'end') end.sum = part.sum;
      if (part?.kind !== 'rows') return;
      bytes += part.rows.length;
      progress(bytes);
      yield part.rows;
    }
  }, copy);
  if (end.sum === undefined || copy.rowCount !== end.sum.rows)
    throw new ArchiveError(`${name} stored ${copy.rowCount} of ${end.sum?.rows} rows`);
  return end.sum;
}

/**
 * Disables insert triggers, because the rows already contain their effects. Other transactions never see them disabled.
 * @returns how to enable each of them again
 */
async function disableInsertTriggers(
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
  await client.query(`LOCK TABLE ${namesOf(client, tables)} IN ACCESS EXCLUSIVE MODE`).catch((error) => {
    if (!(error instanceof Error && 'code' in error && error.code === '55P03')) throw error;
    throw new ArchiveError(
      'Other programs are using the tables of this database; stop all Forage servers on it first',
      { cause: error },
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
