import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress } from 'node:zlib';
import type { ClientBase } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { withDigest } from './digest.ts';
import { ArchiveError } from './errors.ts';
import { encode, encodeJson, type Header, MAGIC, tableSum } from './format.ts';
import { readArchive } from './read.ts';
import { sequencesOf, tablesOf } from './tables.ts';

/** Told while a table is copied and when it is done: rows and bytes (of COPY's text) so far. */
export type Progress = (table: string, rows: number, bytes: number) => void;

export interface Written {
  readonly tables: number;
  readonly rows: number;
  /** Before compression. */
  readonly bytes: number;
}

export interface WriteOptions {
  readonly file: string;
  /** The version of Forage, for the header. */
  readonly product: string;
  readonly progress?: Progress;
  /** Breaks the work off; nothing is left behind. */
  readonly signal?: AbortSignal;
}

/** A partial file that grew within this time belongs to a backup that is still running. */
const FRESH_MS = 60_000;

/**
 * Writes everything that the database holds at one moment into `file` (mode 0600), while others go on working with it. It
 * is written beside as `file.partial`, synced, read back and only then renamed, so `file` is whole or was not touched.
 * `client` is one connection that is not in a transaction; its role needs to read the tables, no more.
 *
 * @throws ArchiveError, or the database's or the file system's error.
 */
export async function writeArchive(client: ClientBase, options: WriteOptions): Promise<Written> {
  const file = resolve(options.file);
  const partial = `${file}.partial`;
  await clear(partial);
  try {
    const total = { tables: 0, rows: 0, bytes: 0 };
    await inSnapshot(client, (tables) =>
      pipeline(
        contents(client, tables, options, total),
        createZstdCompress({ params: { [constants.ZSTD_c_checksumFlag]: 1 } }),
        withDigest,
        createWriteStream(partial, { flags: 'wx', mode: 0o600, flush: true }),
        { signal: options.signal },
      ),
    );
    await readArchive(partial, {}, options.signal);
    await rename(partial, file);
    await syncFolder(dirname(file));
    return total;
  } catch (error) {
    if (!(error instanceof OtherBackup)) await rm(partial, { force: true });
    throw error;
  }
}

class OtherBackup extends ArchiveError {}

async function clear(partial: string): Promise<void> {
  const found = await stat(partial).catch(() => null);
  if (found === null) return;
  if (Date.now() - found.mtimeMs < FRESH_MS) {
    throw new OtherBackup(
      `${partial} has just been written to: another backup is writing there; let it end, or name another file`,
    );
  }
  await rm(partial);
}

/**
 * Runs `work` in one transaction that sees one moment. The tables are locked against changes of their shape before that
 * moment is fixed (LOCK takes no snapshot), so their names and columns are those of the rows.
 */
async function inSnapshot(
  client: ClientBase,
  work: (tables: Header['tables']) => Promise<void>,
): Promise<void> {
  for (;;) {
    const expected = await tablesOf(client);
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    try {
      await client.query(SESSION);
      if (expected.length > 0)
        await client.query(`LOCK TABLE ${names(client, expected)} IN ACCESS SHARE MODE`);
      const tables = await tablesOf(client);
      if (tables.length === 0) {
        throw new ArchiveError(
          'There is nothing to back up: this database has no tables, so no server has ever used it',
        );
      }
      // A migration came between: look again.
      const moved = names(client, tables) !== names(client, expected);
      if (!moved) await work(tables);
      await client.query('COMMIT');
      if (!moved) return;
    } catch (error) {
      await client.query('ROLLBACK').catch(() => undefined);
      throw error;
    }
  }
}

/** Copying may take long; the text of values must not depend on how role or database are set. */
export const SESSION = `
  SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL lock_timeout = '30s';
  SET LOCAL client_encoding = 'UTF8'; SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL intervalstyle = 'iso_8601';
  SET LOCAL timezone = 'UTC'; SET LOCAL extra_float_digits = 3; SET LOCAL bytea_output = 'hex'`;

async function* contents(
  client: ClientBase,
  tables: Header['tables'],
  { product, progress, signal }: WriteOptions,
  total: { tables: number; rows: number; bytes: number },
): AsyncGenerator<Buffer> {
  const seal = createHash('sha256');
  yield Buffer.from(MAGIC);
  const header = await describe(client, tables, product);
  yield encodeJson('H', header, seal);
  for (const { name, columns } of tables) {
    yield encodeJson('T', { name }, seal);
    const sum = tableSum();
    const list = columns.map((column) => client.escapeIdentifier(column)).join(', ');
    const stream = client.query(copyTo(`COPY ${client.escapeIdentifier(name)} (${list}) TO STDOUT`));
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      signal?.throwIfAborted();
      sum.add(chunk);
      progress?.(name, sum.rows, sum.bytes);
      yield* encode('D', chunk);
    }
    if (sum.rows !== stream.rowCount) {
      throw new ArchiveError(`${name} has ${stream.rowCount} rows and ${sum.rows} were copied: try again`);
    }
    const end = sum.end();
    yield encodeJson('E', end, seal);
    progress?.(name, end.rows, end.bytes);
    total.tables++;
    total.rows += end.rows;
    total.bytes += end.bytes;
  }
  const sha256 = seal.digest('hex');
  yield* encode('Z', Buffer.from(JSON.stringify({ sha256 })));
}

async function describe(client: ClientBase, tables: Header['tables'], product: string): Promise<Header> {
  const migrations = await client.query<Header['migrations'][number]>(
    'SELECT name, sha256 FROM schema_migrations ORDER BY number',
  );
  const server = await client.query<{ version: string }>(
    `SELECT current_setting('server_version') AS version`,
  );
  return {
    product,
    madeAt: new Date().toISOString(),
    postgres: server.rows[0]?.version ?? '',
    migrations: migrations.rows,
    tables,
    sequences: await sequencesOf(client),
  };
}

const names = (client: ClientBase, tables: Header['tables']) =>
  tables.map(({ name }) => client.escapeIdentifier(name)).join(', ');

async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r');
  await handle.sync().finally(() => handle.close());
}
