import type { ClientBase } from 'pg';
import { ArchiveError } from './errors.ts';
import type { ArchivedSequence, ArchivedTable } from './format.ts';

/** What describes the database stands in the backup's header, not among its rows. */
const OWN = `n.nspname = current_schema() AND c.relname <> 'schema_migrations'
  AND NOT EXISTS (SELECT FROM pg_depend p WHERE p.classid = 'pg_class'::regclass AND p.objid = c.oid AND p.deptype = 'e')`;

/** Generated columns are left out: the database makes them again. */
const TABLES = `
  SELECT c.relname AS name,
         coalesce(array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE a.attname IS NOT NULL), '{}') AS columns
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
   WHERE c.relkind = 'r' AND ${OWN}
   GROUP BY c.relname ORDER BY c.relname`;

const REFERENCES = `
  SELECT c.relname AS "from", t.relname AS "to"
    FROM pg_constraint k
    JOIN pg_class c ON c.oid = k.conrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_class t ON t.oid = k.confrelid
   WHERE k.contype = 'f' AND k.conrelid <> k.confrelid AND ${OWN}`;

/** Kinds of relations that hold rows and that this would leave out without a word. */
const UNKNOWN = `
  SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind IN ('p', 'm', 'f') AND ${OWN} ORDER BY 1`;

const SEQUENCES = `
  SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind = 'S' AND ${OWN} ORDER BY 1`;

/**
 * All tables of the connection's schema with the columns that hold something of their own, each after those that it refers
 * to. From the catalogue, so that a new table is there at once.
 * @throws ArchiveError when the schema has what cannot be copied so: a partitioned table, or references in a circle.
 */
export async function tablesOf(client: ClientBase): Promise<ArchivedTable[]> {
  const unknown = await client.query<{ name: string }>(UNKNOWN);
  if (unknown.rows.length > 0) {
    const names = unknown.rows.map(({ name }) => name).join(', ');
    throw new ArchiveError(`The database has tables of a kind that a backup cannot hold: ${names}`);
  }
  const tables = await client.query<ArchivedTable>(TABLES);
  const references = await client.query<{ from: string; to: string }>(REFERENCES);
  return inOrder(tables.rows, references.rows);
}

function inOrder(
  tables: readonly ArchivedTable[],
  references: readonly { from: string; to: string }[],
): ArchivedTable[] {
  const waiting = new Map(tables.map((table) => [table.name, table]));
  const ordered: ArchivedTable[] = [];
  while (waiting.size > 0) {
    const ready = [...waiting.values()].filter(
      ({ name }) => !references.some(({ from, to }) => from === name && waiting.has(to)),
    );
    if (ready.length === 0) {
      throw new ArchiveError(
        `These tables refer to each other in a circle: ${[...waiting.keys()].join(', ')}`,
      );
    }
    for (const table of ready) {
      ordered.push(table);
      waiting.delete(table.name);
    }
  }
  return ordered;
}

/** All sequences, those behind identity columns too, with where they stand. */
export async function sequencesOf(client: ClientBase): Promise<ArchivedSequence[]> {
  const { rows } = await client.query<{ name: string }>(SEQUENCES);
  const found: ArchivedSequence[] = [];
  for (const { name } of rows) {
    const state = await client.query<{ value: string; called: boolean }>(
      `SELECT last_value::text AS value, is_called AS called FROM ${client.escapeIdentifier(name)}`,
    );
    if (state.rows[0]) found.push({ name, ...state.rows[0] });
  }
  return found;
}
