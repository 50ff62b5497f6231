import type { ClientBase } from 'pg';
import { type ArchivedSequence, type ArchivedTable, ArchiveError } from './format.ts';

/** Copying may take long, and the text of values must not depend on settings of the role or database. */
export const SESSION = `
  SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL lock_timeout = '30s';
  SET LOCAL client_encoding = 'UTF8'; SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL intervalstyle = 'iso_8601';
  SET LOCAL timezone = 'UTC'; SET LOCAL extra_float_digits = 3; SET LOCAL bytea_output = 'hex'`;

/** The migrations are in the backup's header, not among its rows. */
const OWN = `n.nspname = current_schema() AND c.relname <> 'schema_migrations'
  AND NOT EXISTS (SELECT FROM pg_depend p WHERE p.classid = 'pg_class'::regclass AND p.objid = c.oid AND p.deptype = 'e')`;

/** Relations with rows, and their columns except generated ones, which the database computes again. */
const RELATIONS = `
  SELECT c.relname AS name, c.relkind AS kind,
         coalesce(array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE a.attname IS NOT NULL), '{}') AS columns
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
   WHERE c.relkind IN ('r', 'p', 'm', 'f') AND ${OWN}
   GROUP BY c.relname, c.relkind ORDER BY c.relname`;

const REFERENCES = `
  SELECT c.relname AS "from", t.relname AS "to"
    FROM pg_constraint k
    JOIN pg_class c ON c.oid = k.conrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_class t ON t.oid = k.confrelid
   WHERE k.contype = 'f' AND k.conrelid <> k.confrelid AND ${OWN}`;

const SEQUENCES = `
  SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind = 'S' AND ${OWN} ORDER BY 1`;

/**
 * All tables of the schema with their columns, from the catalogue, each after the tables that it refers to.
 * @throws ArchiveError when the schema has a partitioned table, or circular references
 */
export async function tablesOf(client: ClientBase): Promise<ArchivedTable[]> {
  const { rows } = await client.query<ArchivedTable & { kind: string }>(RELATIONS);
  const unknown = rows.filter(({ kind }) => kind !== 'r').map(({ name }) => name);
  if (unknown.length > 0)
    throw new ArchiveError(
      `The database has tables of a kind that a backup does not support: ${unknown.join(', ')}`,
    );
  const tables = rows.map(({ name, columns }) => ({ name, columns }));
  const references = await client.query<{ from: string; to: string }>(REFERENCES);
  return inOrder(tables, references.rows);
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
      throw new ArchiveError(`These tables have circular references: ${[...waiting.keys()].join(', ')}`);
    }
    for (const table of ready) {
      ordered.push(table);
      waiting.delete(table.name);
    }
  }
  return ordered;
}

/** All sequences, including those of identity columns, with their values. */
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

/** The names of tables for a statement. */
export const namesOf = (client: ClientBase, tables: readonly ArchivedTable[]) =>
  tables.map(({ name }) => client.escapeIdentifier(name)).join(', ');
