import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type EmbeddedPostgres, startEmbedded } from '#server/db/embedded/start-embedded.ts';
import { MIGRATIONS, migrate, readMigrations } from '#server/db/migrate.ts';
import { schemaText } from '../../scripts/schema-text.ts';

const run = promisify(execFile);
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

let dataDir: string;
let directory: string;
let database: EmbeddedPostgres;
let clients: pg.Client[] = [];

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'forage-migrate-'));
  database = await startEmbedded({ dataDir, log: silent });
});

afterAll(async () => {
  await database?.stop();
  await rm(dataDir, { recursive: true, force: true });
});

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'forage-migrations-'));
});

afterEach(async () => {
  const client = await connect();
  await client.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  for (const open of clients) await open.end();
  clients = [];
  await rm(directory, { recursive: true, force: true });
});

async function connect(): Promise<pg.Client> {
  const client = new pg.Client(database.connection);
  await client.connect();
  clients.push(client);
  return client;
}

async function file(name: string, sql: string): Promise<void> {
  await writeFile(join(directory, name), sql);
}

describe('migrate', () => {
  it('finds its files in a folder whose name needs escaping in URLs', async () => {
    const home = join(directory, 'my folder, 100% größer');
    await mkdir(join(home, 'migrations'), { recursive: true });
    await cp(join(import.meta.dirname, '../db/migrate.ts'), join(home, 'migrate.ts'));
    await writeFile(join(home, 'migrations', '0001_things.sql'), 'CREATE TABLE things (id int)');
    const ask = `const { MIGRATIONS, readMigrations } = await import(${JSON.stringify(pathToFileURL(join(home, 'migrate.ts')).href)});
      console.log((await readMigrations(MIGRATIONS)).map(({ name }) => name).join());`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', ask]);
    expect(stdout.trim()).toBe('0001_things.sql');
  });

  it('runs the files in order and once, and sends one query when there is nothing to do', async () => {
    const client = await connect();
    await file('0002_more.sql', 'ALTER TABLE things ADD COLUMN more text');
    await file('0001_things.sql', 'CREATE TABLE things (id int); INSERT INTO things VALUES (1)');
    expect(await migrate(client, directory, silent)).toEqual({
      applied: ['0001_things.sql', '0002_more.sql'],
    });

    let asked = 0;
    const query = client.query.bind(client);
    client.query = ((...args: Parameters<typeof query>) => {
      asked++;
      return query(...args);
    }) as typeof client.query;
    expect(await migrate(client, directory, silent)).toEqual({ applied: [] });
    expect(asked).toBe(1);
    expect((await client.query('SELECT * FROM things')).rows).toEqual([{ id: 1, more: null }]);

    await file('0003_last.sql', 'DROP TABLE things');
    expect(await migrate(client, directory, silent)).toEqual({ applied: ['0003_last.sql'] });
  });

  it('runs each file once when several servers start at the same time', async () => {
    await file('0001_slow.sql', 'CREATE TABLE things (id int); SELECT pg_sleep(0.1)');
    await file('0002_counted.sql', 'INSERT INTO things VALUES (1)');
    const connections = await Promise.all([connect(), connect(), connect(), connect()]);
    const results = await Promise.all(connections.map((client) => migrate(client, directory, silent)));
    expect(results.flatMap(({ applied }) => applied).sort()).toEqual(['0001_slow.sql', '0002_counted.sql']);
    expect((await (await connect()).query('SELECT * FROM things')).rowCount).toBe(1);
  });

  it('rolls back a file that fails, names it and its line, and keeps the connection usable', async () => {
    const client = await connect();
    await file('0001_good.sql', 'CREATE TABLE good (id int)');
    await file('0002_bad.sql', 'CREATE TABLE half (id int);\nINSERT INTO\n  nowhere VALUES (1);');
    await expect(migrate(client, directory, silent)).rejects.toThrow(
      /^Migration 0002_bad\.sql failed at line 3: relation "nowhere" does not exist$/,
    );
    const { rows } = await client.query(`SELECT relname FROM pg_class WHERE relname IN ('good', 'half')`);
    expect(rows).toEqual([{ relname: 'good' }]);
    await file('0002_bad.sql', 'CREATE TABLE half (id int)');
    expect(await migrate(client, directory, silent)).toEqual({ applied: ['0002_bad.sql'] });
  });

  it('refuses a changed file, but not converted line ends', async () => {
    const client = await connect();
    await file('0001_things.sql', 'CREATE TABLE things (\n id int)');
    await migrate(client, directory, silent);
    await file('0001_things.sql', 'CREATE TABLE things (\r\n id int)');
    expect(await migrate(client, directory, silent)).toEqual({ applied: [] });
    await file('0001_things.sql', 'CREATE TABLE things (\n id bigint)');
    await expect(migrate(client, directory, silent)).rejects.toThrow(
      '0001_things.sql has changed since it ran here',
    );
  });

  it('refuses a database of a newer or another version', async () => {
    const client = await connect();
    await file('0001_things.sql', 'CREATE TABLE things (id int)');
    await file('0002_more.sql', 'SELECT 1');
    await migrate(client, directory, silent);
    await rm(join(directory, '0002_more.sql'));
    await expect(migrate(client, directory, silent)).rejects.toThrow(
      /newer than this Forage \(it has migration 0002_more\.sql\)/,
    );
    await file('0002_other.sql', 'SELECT 1');
    await expect(migrate(client, directory, silent)).rejects.toThrow(
      'has migration 0002_more.sql where this Forage has 0002_other.sql',
    );
  });

  it.each([
    [
      'a gap',
      ['0001_one.sql', '0003_three.sql'],
      'Migration 0003_three.sql is out of sequence, 0002 is expected',
    ],
    [
      'a double',
      ['0001_one.sql', '0001_two.sql'],
      'Migration 0001_two.sql is out of sequence, 0002 is expected',
    ],
    ['another name', ['0001_one.sql', '2_two.sql'], '2_two.sql is not named like'],
  ])('refuses %s before running any file', async (_, names, message) => {
    const client = await connect();
    for (const name of names) await file(name, 'CREATE TABLE things (id int)');
    await expect(migrate(client, directory, silent)).rejects.toThrow(message);
    expect((await client.query(`SELECT to_regclass('things') AS found`)).rows).toEqual([{ found: null }]);
  });
});

describe('a file in steps', () => {
  const steps = (...paragraphs: string[]) => ['-- In steps: for a test.', ...paragraphs].join('\n\n');

  it('keeps what came before a step that fails, names its line, and runs again', async () => {
    const client = await connect();
    const first =
      'CREATE TABLE IF NOT EXISTS things (id int);\nDO $$ BEGIN\n  RAISE NOTICE $a$done$a$;\nEND $$;';
    await file(
      '0001_steps.sql',
      steps(first, 'INSERT INTO things VALUES (1);\nINSERT INTO\n  nowhere VALUES (1);\n'),
    );
    await expect(migrate(client, directory, silent)).rejects.toThrow(
      /^Migration 0001_steps\.sql failed at line 10: relation "nowhere" does not exist$/,
    );
    expect((await client.query('SELECT * FROM things')).rows).toEqual([]);
    await file('0001_steps.sql', steps(first, 'INSERT INTO things VALUES (2);\n'));
    expect(await migrate(client, directory, silent)).toEqual({ applied: ['0001_steps.sql'] });
    expect((await client.query('SELECT * FROM things')).rows).toEqual([{ id: 2 }]);
    expect(await migrate(client, directory, silent)).toEqual({ applied: [] });
  });

  it('holds no lock while it waits for another one', async () => {
    const [client, user] = [await connect(), await connect()];
    await client.query('CREATE TABLE one (id int); CREATE TABLE two (id int)');
    await file('0001_steps.sql', steps('ALTER TABLE one ADD more text;', 'ALTER TABLE two ADD more text;'));
    await user.query('BEGIN; SELECT * FROM two');
    const migrated = migrate(client, directory, silent);
    const waiting = `SELECT 1 FROM pg_locks WHERE relation = 'two'::regclass AND NOT granted`;
    await expect.poll(async () => (await user.query(waiting)).rowCount).toBe(1);
    // This would be a deadlock if the lock on the first table were still held.
    expect((await user.query('SELECT more FROM one')).rows).toEqual([]);
    await user.query('COMMIT');
    expect(await migrated).toEqual({ applied: ['0001_steps.sql'] });
  });

  it('of this version gives the same schema when each runs twice', async () => {
    const client = await connect();
    for (const { steps } of await readMigrations(MIGRATIONS)) {
      for (const { sql } of steps) await client.query(sql);
      if (steps.length === 1) continue;
      for (const { sql } of steps) await client.query(sql);
    }
    await client.query('CREATE TABLE schema_migrations (number integer PRIMARY KEY)');
    const repeated = await schemaText(client);
    const other = await connect();
    await other.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
    await migrate(other, MIGRATIONS, silent);
    const withoutMigrations = (text: string) => text.replace(/CREATE TABLE schema_migrations \([^;]*;\n/, '');
    expect(withoutMigrations(repeated)).toBe(withoutMigrations(await schemaText(other)));
  });
});

describe('schemaText', () => {
  const schema = `
    CREATE TABLE teams (id uuid PRIMARY KEY, name text NOT NULL DEFAULT 'none', CHECK (name <> ''));
    CREATE TABLE people (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, team uuid REFERENCES teams (id), mood text);
    CREATE UNLOGGED TABLE recent (n int);
    CREATE INDEX people_by_team ON people (team) WHERE mood = 'sad';
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
    CREATE TRIGGER people_stay BEFORE DELETE ON people FOR EACH ROW EXECUTE FUNCTION refuse();`;

  it('is SQL that creates the same schema with the same text', async () => {
    const client = await connect();
    await client.query(schema);
    const text = await schemaText(client);
    for (const part of [
      'CREATE UNLOGGED TABLE recent',
      "  name text NOT NULL DEFAULT 'none'::text",
      'ALTER TABLE people ADD CONSTRAINT people_team_fkey FOREIGN KEY (team) REFERENCES teams(id);',
      'CREATE INDEX people_by_team ON public.people',
      'CREATE TRIGGER people_stay BEFORE DELETE ON people',
    ]) {
      expect(text).toContain(part);
    }
    await client.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
    await client.query(text);
    expect(await schemaText(client)).toBe(text);
  });

  it.each([
    'ALTER TABLE people ALTER mood SET NOT NULL',
    'ALTER TABLE teams ADD UNIQUE (name)',
    'DROP INDEX people_by_team',
    'CREATE SEQUENCE numbers',
    'DROP TRIGGER people_stay ON people',
    `CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$`,
  ])('changes with %s', async (change) => {
    const client = await connect();
    await client.query(schema);
    const before = await schemaText(client);
    await client.query(change);
    expect(await schemaText(client)).not.toBe(before);
  });

  it.each([
    ['CREATE MATERIALIZED VIEW snapshot AS SELECT 1 AS n', 'snapshot (kind m)'],
    ["CREATE TYPE mood AS ENUM ('glad')", 'type mood'],
    ["CREATE TABLE things (id int); COMMENT ON COLUMN things.id IS 'x'", 'comment on things'],
  ])('refuses what it would leave out: %s', async (sql, message) => {
    const client = await connect();
    await client.query(sql);
    await expect(schemaText(client)).rejects.toThrow(message);
  });
});
