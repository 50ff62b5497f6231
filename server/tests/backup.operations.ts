import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { readConfig } from '#server/config.ts';
import { restore } from '#server/db/archive/restore.ts';
import { startEmbedded } from '#server/db/embedded/start-embedded.ts';
import { MIGRATIONS, migrate } from '#server/db/migrate.ts';
import { listChains, verifyChain } from '#server/features/history/verify-service.ts';
import { PolicyService } from '#server/gen/forest/v1/policies_pb.ts';
import { ReleaseService } from '#server/gen/forest/v1/releases_pb.ts';
import { UsersService } from '#server/gen/forest/v1/users_pb.ts';
import { command, everything, settings, type Waiting, type Where, waitingWorld } from './backup-world.ts';
import { eventually, makeDatabase, startTestApp, type TestApp } from './harness.ts';
import { ended, type World, world } from './world.ts';

/*
 * The real commands, in processes of their own, on a real embedded database whose server is running: what was backed up
 * comes back row for row, in a folder and on a server, and goes on where it stood.
 */

// Each test starts processes and databases of its own.
vi.setConfig({ testTimeout: 120_000 });

const silent = { info() {}, warn() {}, error() {} };

let folder: string;
let file: string;
let source: TestApp;
let waiting: Waiting;
let original: Map<string, string[]>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forage-backup-'));
  file = join(folder, 'forage.backup');
  source = await startTestApp({ config: settings({ dataDir: join(folder, 'source') }) });
  waiting = await waitingWorld(source);
  // Deliveries of the last day would become uncertain by a restore; see below.
  await source.context.db.pool.query(`UPDATE delivery_runs SET ended_at = ended_at - interval '25 hours'`);
  const made = await command('backup', file, { dataDir: join(folder, 'source') });
  expect(made).toMatchObject({
    code: 0,
    output: expect.stringMatching(/^Backed up DATA_DIR .*: \d+ tables/),
  });
  original = await everything(source.context.db.pool.options);
});

afterAll(async () => {
  await source?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The app on restored data: somebody who was signed in still is, and their vote is the one that was missing. */
async function goesOn(where: Where): Promise<void> {
  const app = await startTestApp({ config: settings(where) });
  try {
    expect(app.setUpToken).toBeNull();
    const { w, intentId } = waiting;
    const reviewerTwo = app.client(PolicyService, { token: w.reviewerTwo.token });
    const vote = await reviewerTwo.approveRelease({
      project: w.project,
      releaseIntentId: intentId,
      targetEnvironment: 'production',
    });
    expect(vote.state).toMatchObject({ currentApprovals: 2 });
    const author = { ...w.author, releases: app.client(ReleaseService, { token: w.author.token }) };
    const here: World = { ...w, author };
    await ended(here, intentId);
    await staysAppendOnly(app);
  } finally {
    await app.stop();
  }
}

async function staysAppendOnly(app: TestApp): Promise<void> {
  const { pool } = app.context.db;
  await expect(pool.query('UPDATE history SET subject = subject')).rejects.toThrow('append-only');
  await expect(pool.query('DELETE FROM history_heads')).rejects.toThrow('append-only');
  for (const { chain } of await listChains(app.context.db)) {
    expect((await verifyChain(app.context.db, chain)).fault).toBeNull();
  }
  const old = (original.get('history') ?? []).length;
  const { rows } = await pool.query<{ id: number }>('SELECT id FROM history ORDER BY id');
  expect(rows.length).toBeGreaterThan(old);
  const last = await pool.query<{ max: number }>('SELECT max(id) FROM history WHERE id <= $1', [
    rows[old - 1]?.id,
  ]);
  // The next entry came after the last restored one: no id was given twice.
  expect(rows[old]?.id).toBeGreaterThan(last.rows[0]?.max ?? Number.POSITIVE_INFINITY);
}

test('restores a folder into another folder, and work continues', async () => {
  const where = { dataDir: join(folder, 'other') };
  const restored = await command('restore', file, where);
  expect(restored).toMatchObject({ code: 0, output: expect.stringContaining('Restored') });
  const postgres = await startEmbedded({ dataDir: where.dataDir, log: silent });
  const found = await everything(postgres.connection).finally(() => postgres.stop());
  expect(found).toEqual(original);
  await goesOn(where);
  const checked = await command('verify-history', null, where);
  expect(checked).toMatchObject({
    code: 0,
    output: expect.stringContaining(`${waiting.w.organisation}: `),
  });
  // Beside a server that runs.
  const beside = await command('verify-history', null, { dataDir: join(folder, 'source') });
  expect(beside).toMatchObject({ code: 0, output: expect.stringContaining(' entries; head ') });

  // With no server running the folder's database is started for the backup alone.
  const again = await command('backup', join(folder, 'cold.backup'), where);
  expect(again).toMatchObject({ code: 0 });
  await expect(stat(join(where.dataDir, 'postgres', 'postmaster.pid'))).rejects.toThrow('ENOENT');
});

test('moves a folder to a PostgreSQL server on which Forage was started before', async () => {
  const database = await makeDatabase();
  try {
    const where = { databaseUrl: database.url };
    const idle = await startTestApp({ config: settings(where) });
    expect(idle.setUpToken).not.toBeNull();
    await idle.stop();
    expect(await command('restore', file, where)).toMatchObject({ code: 0 });
    expect(await everything({ connectionString: database.url })).toEqual(original);
    await goesOn(where);
    const filled = await command('restore', file, where);
    expect(filled).toMatchObject({ code: 1, output: expect.stringContaining('The database is not empty') });
  } finally {
    await database.drop();
  }
});

test('includes every table of the schema', async () => {
  const database = await makeDatabase('migrated');
  const client = new pg.Client({ connectionString: database.url });
  try {
    await client.connect();
    await client.query(`CREATE TABLE a_new_one (id bigserial PRIMARY KEY, user_id uuid REFERENCES users (id), doubled bigint
      GENERATED ALWAYS AS (id * 2) STORED); INSERT INTO a_new_one (user_id) VALUES (NULL), (NULL)`);
    const tables = (await everything({ connectionString: database.url })).size - 2;
    const target = join(folder, 'new-table.backup');
    const { output } = await command('backup', target, { databaseUrl: database.url });
    expect(output).toContain(`${tables} tables`);
    // It is not one that the migrations make, so there is nothing to restore it into, and that is said.
    const restored = await command('restore', target, { dataDir: join(folder, 'strangers') });
    expect(restored.output).toContain('a_new_one: left out a table that is not part of Forage');
    expect(restored).toMatchObject({ code: 0, output: expect.stringContaining(`${tables - 1} tables`) });
  } finally {
    await client.end();
    await database.drop();
  }
});

test('makes uncertain what runs where a delivery was under way within the day before the backup', async () => {
  const [recent, restored] = [await makeDatabase(), await makeDatabase()];
  const from = await startTestApp({ config: settings({ databaseUrl: recent.url }) });
  const client = new pg.Client({ connectionString: restored.url });
  try {
    const w = await world(from);
    const { artifactId } = await w.artifact();
    await ended(w, await w.release(artifactId, ['staging', 'production']));
    await from.context.db.pool.query(`UPDATE delivery_runs u SET ended_at = ended_at - interval '25 hours'
      FROM destinations d WHERE d.id = u.destination_id AND d.name = 'eu'`);
    const target = join(folder, 'recent.backup');
    expect(await command('backup', target, { databaseUrl: recent.url })).toMatchObject({ code: 0 });
    expect(await command('restore', target, { databaseUrl: restored.url })).toMatchObject({ code: 0 });
    await client.connect();
    const { rows } = await client.query<{ name: string; doubt: string; live: boolean }>(
      `SELECT d.name, p.doubt, EXISTS (SELECT FROM live_periods l WHERE l.destination_id = d.id AND l.ended_at IS NULL) AS live
         FROM places p JOIN destinations d ON d.id = p.destination_id ORDER BY d.name`,
    );
    const doubt = expect.stringMatching(/^restored from a backup of \d{4}-\d\d-\d\d \d\d:\d\d UTC$/);
    expect(rows).toEqual([
      { name: 'eu', doubt: null, live: true },
      { name: 'eu-west', doubt, live: false },
      { name: 'us-east', doubt, live: false },
    ]);
  } finally {
    await client.end();
    await from.stop();
    await Promise.all([recent.drop(), restored.drop()]);
  }
});

test('is one snapshot while others write', async () => {
  const database = await makeDatabase('migrated');
  const client = new pg.Client({ connectionString: database.url });
  const restored = await makeDatabase();
  try {
    await client.connect();
    let writing = true;
    // Each user is one transaction with the organisation of the same id: a copy that has one without the other is torn.
    const writer = (async () => {
      for (; writing; ) {
        await client.query(`WITH made AS (INSERT INTO users (id, username, created_at, updated_at)
            SELECT id, id::text, now(), now() FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, 50)) g
            RETURNING id)
          INSERT INTO organisations (id, name, created_at) SELECT id, id::text, now() FROM made`);
      }
    })();
    const target = join(folder, 'torn.backup');
    const made = await command('backup', target, { databaseUrl: database.url });
    writing = false;
    await writer;
    expect(made).toMatchObject({ code: 0 });
    expect(await command('restore', target, { databaseUrl: restored.url })).toMatchObject({ code: 0 });
    const found = await everything({ connectionString: restored.url });
    expect(found.get('users')?.length).toBeGreaterThan(0);
    expect(found.get('users')?.length).toBe(found.get('organisations')?.length);
  } finally {
    await client.end();
    await database.drop();
    await restored.drop();
  }
});

test('migrates a backup of an older version after loading it', async () => {
  const [old, restored] = [await makeDatabase(), await makeDatabase()];
  const client = new pg.Client({ connectionString: old.url });
  try {
    await client.connect();
    await migrate(client, MIGRATIONS, silent, { upTo: 1 });
    await client.query(`WITH made AS (INSERT INTO organisations (id, name, created_at)
        VALUES (gen_random_uuid(), 'acme', now()) RETURNING id)
      INSERT INTO history (organisation_id, at, kind, actor_username, subject)
        SELECT id, now(), 'role', 'admin', 'somebody' FROM made, generate_series(1, 3)`);
    const target = join(folder, 'older.backup');
    expect(await command('backup', target, { databaseUrl: old.url })).toMatchObject({ code: 0 });
    expect(await command('restore', target, { databaseUrl: restored.url })).toMatchObject({ code: 0 });
    const found = await everything({ connectionString: restored.url });
    expect(found.get('migrations')).toEqual(original.get('migrations'));
    await migrate(client, MIGRATIONS, silent);
    const migrated = await everything({ connectionString: old.url });
    expect(found.get('organisations')).toEqual(migrated.get('organisations'));
    expect(found.get('history')).toHaveLength(3);
  } finally {
    await client.end();
    await old.drop();
    await restored.drop();
  }
});

test('leaves the file unchanged when the connection breaks', async () => {
  const database = await makeDatabase();
  const holder = new pg.Client({ connectionString: database.url });
  const client = new pg.Client({ connectionString: database.url });
  try {
    const target = join(folder, 'lost.backup');
    expect(await command('backup', target, { databaseUrl: database.url })).toMatchObject({
      code: 1,
      output: expect.stringMatching(/The database has no tables, so there is nothing to back up\.$/m),
    });
    await Promise.all([holder.connect(), client.connect()]);
    await migrate(client, MIGRATIONS, silent);
    await writeFile(target, 'the one of yesterday');
    await holder.query('BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE');
    const backup = command('backup', target, { databaseUrl: database.url });
    await eventually(async () => {
      const { rows } = await client.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'forage archive' AND wait_event_type = 'Lock'`);
      return rows.length > 0;
    }, 'a backup that waits for the table');
    expect(await backup).toMatchObject({
      code: 1,
      output: expect.stringContaining('Nothing was backed up.'),
    });
    expect(await readFile(target, 'utf8')).toBe('the one of yesterday');
    await expect(stat(`${target}.partial`)).rejects.toThrow('ENOENT');
  } finally {
    await Promise.all([holder.end(), client.end()]);
    await database.drop();
  }
});

test('resets a lost password beside a running server and ends its sessions', async () => {
  const { username, token } = waiting.w.reviewer;
  const where = { dataDir: join(folder, 'source') };
  const { code, output } = await command('reset-password', username, where);
  expect(code).toBe(0);
  const [, password = ''] = /^The password of \S+ is now (\S+)$/m.exec(output) ?? [];
  const users = source.client(UsersService, {});
  const again = await users.login({ identifier: { case: 'username', value: username }, password });
  expect(again.user?.username).toBe(username);
  await expect(source.client(UsersService, { token }).tokenInfo({})).rejects.toThrow('unauthenticated');
  const nobody = await command('reset-password', 'nobody-at-all', where);
  expect(nobody).toEqual({ code: 1, output: 'User "nobody-at-all" not found\n' });
  original = await everything(source.context.db.pool.options);
});

test('writes one file, readable by its owner only', async () => {
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await readdir(folder)).filter((name) => name.includes('partial'))).toEqual([]);
});

describe('refuses, and changes nothing for', () => {
  const untouched = async (bytes: Buffer, output: string | RegExp) => {
    const damaged = join(folder, 'damaged.backup');
    await writeFile(damaged, bytes);
    const dataDir = join(folder, 'never-made');
    const location = readConfig({ DATA_DIR: dataDir });
    const { signal } = new AbortController();
    const restored = restore({ location, file: damaged, log: silent, progress() {}, signal });
    await expect(restored).rejects.toThrow(output);
    await expect(stat(dataDir)).rejects.toThrow('ENOENT');
  };

  test('a truncated file', async () => {
    const whole = await readFile(file);
    await untouched(whole.subarray(0, whole.length - 1), 'its end is missing or altered');
    await untouched(whole.subarray(0, whole.length / 2), 'its end is missing or altered');
    await untouched(Buffer.alloc(0), 'its end is missing or altered');
  });

  test('a changed byte anywhere', async () => {
    const whole = await readFile(file);
    for (const part of [0, 0.3, 0.6, 0.9, 1]) {
      const altered = Buffer.from(whole);
      const at = Math.floor((altered.length - 1) * part);
      altered[at] = (altered[at] ?? 0) ^ 4;
      await untouched(altered, /is not a complete backup \(.*\); use another one/);
    }
    await untouched(Buffer.concat([whole, Buffer.from('\n')]), 'its end is missing or altered');
  });

  test('a file that is not a backup', async () => {
    const message = 'it is not a backup of Forage';
    await untouched(Buffer.from('SELECT 1;\n'.repeat(100)), message);
    const refused = await command('restore', join(folder, 'damaged.backup'), {
      dataDir: join(folder, 'never-made'),
    });
    expect(refused).toMatchObject({ code: 1, output: expect.stringContaining(message) });
    expect(refused.output.trim().split('\n')).toHaveLength(1);
  });

  test('the folder of a running server', async () => {
    const refused = await command('restore', file, { dataDir: join(folder, 'source') });
    expect(refused).toMatchObject({
      code: 1,
      output: expect.stringContaining('already in use by another Forage'),
    });
    expect(await everything(source.context.db.pool.options)).toEqual(original);
  });

  test('a database in use by a server', async () => {
    const app = await startTestApp();
    try {
      const refused = await command('restore', file, { databaseUrl: app.databaseUrl });
      expect(refused).toMatchObject({ code: 1, output: expect.stringContaining('stop it first') });
    } finally {
      await app.stop();
    }
  });

  test('an unavailable database', async () => {
    const refused = await command('restore', file, { databaseUrl: 'postgres://x@127.0.0.1:1/x' });
    expect(refused).toMatchObject({ code: 1, output: expect.stringContaining('no database within') });
  });

  test('a backup of a newer version', async () => {
    const database = await makeDatabase('migrated');
    const client = new pg.Client({ connectionString: database.url });
    try {
      await client.connect();
      await client.query(
        `INSERT INTO schema_migrations (number, name, sha256) VALUES (9999, '9999_to_come.sql', '')`,
      );
      const target = join(folder, 'newer.backup');
      await command('backup', target, { databaseUrl: database.url });
      await untouched(await readFile(target), /created by a newer Forage .*9999_to_come\.sql/);
    } finally {
      await client.end();
      await database.drop();
    }
  });

  test('a folder without a database, and a backup beside another one', async () => {
    const none = await command('backup', join(folder, 'none.backup'), { dataDir: join(folder, 'nothing') });
    expect(none).toMatchObject({
      code: 1,
      output: expect.stringContaining('There is no database in DATA_DIR'),
    });
    await writeFile(join(folder, 'busy.backup.partial'), 'half');
    const busy = await command('backup', join(folder, 'busy.backup'), { dataDir: join(folder, 'source') });
    expect(busy).toMatchObject({
      code: 1,
      output: expect.stringContaining('Another backup is writing'),
    });
    await rm(join(folder, 'busy.backup.partial'));
  });
});
