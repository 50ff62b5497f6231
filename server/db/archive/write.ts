import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress } from 'node:zlib';
import type { ClientBase } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { syncFolder } from '../embedded/files.ts';
import { type ArchiveWork, openSource, type Written, withOpenDatabase } from './database-location.ts';
import { ArchiveError, encode, encodeJson, type Header, MAGIC, RunningSum, TRAILER } from './format.ts';
import { verifyArchive } from './read.ts';
import { namesOf, SESSION, sequencesOf, tablesOf } from './tables.ts';

/** A partial file that grew within this time belongs to a backup that is still running. */
const FRESH_MS = 60_000;

/**
 * Backs up a database into `work.file` (mode 0600), also while servers use it. Writes `file.partial`, verifies it and renames it,
 * so the file is complete or unchanged.
 * @throws ArchiveError, EmbeddedStartError, DatabaseStartError, or the database's or the file system's error
 */
export async function backup(work: ArchiveWork): Promise<Written> {
  const { signal } = work;
  return withOpenDatabase(await openSource(work.location, work.log), signal, async (client) => {
    const file = resolve(work.file);
    const partial = `${file}.partial`;
    await clear(partial);
    try {
      const total = { tables: 0, rows: 0, bytes: 0 };
      await inSnapshot(client, (tables) =>
        pipeline(
          contents(client, tables, work, total),
          createZstdCompress({ params: { [constants.ZSTD_c_checksumFlag]: 1 } }),
          withDigest,
          createWriteStream(partial, { flags: 'wx', mode: 0o600, flush: true }),
          { signal },
        ),
      );
      await verifyArchive(partial, signal);
      await rename(partial, file);
      await syncFolder(dirname(file));
      return total;
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
  });
}

async function clear(partial: string): Promise<void> {
  const found = await stat(partial).catch(() => null);
  if (found === null) return;
  if (Date.now() - found.mtimeMs < FRESH_MS) {
    throw new ArchiveError(`Another backup is writing ${partial}; wait for it, or choose another file`);
  }
  await rm(partial);
}

/**
 * Runs `work` in one snapshot. The tables are locked before the snapshot is taken (LOCK takes none), so that no migration can
 * change them in between.
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
        await client.query(`LOCK TABLE ${namesOf(client, expected)} IN ACCESS SHARE MODE`);
      const tables = await tablesOf(client);
      if (tables.length === 0) {
        throw new ArchiveError('The database has no tables, so there is nothing to back up');
      }
      // A migration ran in between: retry.
      const moved = namesOf(client, tables) !== namesOf(client, expected);
      if (!moved) await work(tables);
      await client.query('COMMIT');
      if (!moved) return;
    } catch (error) {
      await client.query('ROLLBACK').catch(() => undefined);
      throw error;
    }
  }
}

async function* contents(
  client: ClientBase,
  tables: Header['tables'],
  { progress, signal }: ArchiveWork,
  total: { tables: number; rows: number; bytes: number },
): AsyncGenerator<Buffer> {
  const checksum = createHash('sha256');
  yield Buffer.from(MAGIC);
  const header = await describe(client, tables);
  yield encodeJson('H', header, checksum);
  for (const { name, columns } of tables) {
    yield encodeJson('T', { name }, checksum);
    const sum = new RunningSum();
    const list = columns.map((column) => client.escapeIdentifier(column)).join(', ');
    const stream = client.query(copyTo(`COPY ${client.escapeIdentifier(name)} (${list}) TO STDOUT`));
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      signal?.throwIfAborted();
      sum.add(chunk);
      progress?.(name, sum.rows, sum.bytes);
      yield* encode('D', chunk);
    }
    if (sum.rows !== stream.rowCount) {
      throw new ArchiveError(`${name} has ${stream.rowCount} rows, but ${sum.rows} were copied; try again`);
    }
    const end = sum.end();
    yield encodeJson('E', end, checksum);
    progress?.(name, end.rows, end.bytes);
    total.tables++;
    total.rows += end.rows;
    total.bytes += end.bytes;
  }
  const sha256 = checksum.digest('hex');
  yield* encode('Z', Buffer.from(JSON.stringify({ sha256 })));
}

async function describe(client: ClientBase, tables: Header['tables']): Promise<Header> {
  const migrations = await client.query<Header['migrations'][number]>(
    'SELECT name, sha256 FROM schema_migrations ORDER BY number',
  );
  const server = await client.query<{ version: string }>(
    `SELECT current_setting('server_version') AS version`,
  );
  const manifest = await readFile(new URL('../../../package.json', import.meta.url), 'utf8');
  const { version: product } = JSON.parse(manifest) as { version: string };
  return {
    product,
    madeAt: new Date().toISOString(),
    postgres: server.rows[0]?.version ?? '',
    migrations: migrations.rows,
    tables,
    sequences: await sequencesOf(client),
  };
}

/** Appends the trailer to a compressed backup. */
async function* withDigest(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  for await (const chunk of source) {
    hash.update(chunk);
    yield chunk;
  }
  yield Buffer.concat([TRAILER, hash.digest()]);
}
