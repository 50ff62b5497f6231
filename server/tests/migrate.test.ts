import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type EmbeddedPostgres, startEmbedded } from '#server/db/embedded/index.ts';
import { migrate } from '#server/db/migrate.ts';
import { schemaText } from '#server/db/schema-text.ts';

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
  it('finds its files wherever Forage is installed, also where addresses would be written otherwise', async () => {
    const home = join(directory, 'my folder, 100% größer');
    await mkdir(join(home, 'migrations'), { recursive: true });
    await cp(join(import.meta.dirname, '../db/migrate.ts'), join(home, 'migrate.ts'));
    await writeFile(join(home, 'migrations', '0001_things.sql'), 'CREATE TABLE things (id int)');
    const ask = `const { MIGRATIONS, readMigrations } = await import(${JSON.stringify(pathToFileURL(join(home, 'migrate.ts')).href)});
      console.log((await readMigrations(MIGRATIONS)).map(({ name }) => name).join());`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', ask]);
    expect(stdout.trim()).toBe('0001_things.sql');
  });

  it('runs the files in order and once, and asks one question when there is nothing to do', async () => {
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

  it('runs each file once when several servers start at the same moment', async () => {
    await file('0001_slow.sql', 'CREATE TABLE things (id int); SELECT pg_sleep(0.1)');
    await file('0002_counted.sql', 'INSERT INTO things VALUES (1)');
    const connections = await Promise.all([connect(), connect(), connect(), connect()]);
    const results = await Promise.all(connections.map((client) => migrate(client, directory, silent)));
    expect(results.flatMap(({ applied }) => applied).sort()).toEqual(['0001_slow.sql', '0002_counted.sql']);
    expect((await (await connect()).query('SELECT * FROM things')).rowCount).toBe(1);
  });

  it('undoes a file that fails, names it and its line, and leaves the connection usable', async () => {
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

  it('stops at a file that has changed, but not at turned line ends', async () => {
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

  it('stops at a database that a newer or another version has used', async () => {
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
    ['a gap', ['0001_one.sql', '0003_three.sql'], 'Migration 0003_three.sql stands where 0002 is due'],
    ['a double', ['0001_one.sql', '0001_two.sql'], 'Migration 0001_two.sql stands where 0002 is due'],
    ['another name', ['0001_one.sql', '2_two.sql'], '2_two.sql is not named like'],
  ])('stops at %s before it does anything', async (_, names, message) => {
    const client = await connect();
    for (const name of names) await file(name, 'CREATE TABLE things (id int)');
    await expect(migrate(client, directory, silent)).rejects.toThrow(message);
    expect((await client.query(`SELECT to_regclass('things') AS found`)).rows).toEqual([{ found: null }]);
  });
});

describe('schemaText', () => {
  const schema = `
    CREATE TYPE mood AS ENUM ('glad', 'sad');
    CREATE TABLE teams (id uuid PRIMARY KEY, name text NOT NULL DEFAULT 'none', CHECK (name <> ''));
    CREATE TABLE people (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, team uuid REFERENCES teams (id), mood mood);
    CREATE INDEX people_by_team ON people (team) WHERE mood = 'sad';
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
    CREATE TRIGGER people_stay BEFORE DELETE ON people FOR EACH ROW EXECUTE FUNCTION refuse();
    COMMENT ON COLUMN people.mood IS 'how they are';`;

  it('is SQL that makes the same schema again, whose text is the same', async () => {
    const client = await connect();
    await client.query(schema);
    const text = await schemaText(client);
    for (const part of [
      "CREATE TYPE mood AS ENUM ('glad', 'sad');",
      "  name text NOT NULL DEFAULT 'none'::text",
      'ALTER TABLE people ADD CONSTRAINT people_team_fkey FOREIGN KEY (team) REFERENCES teams(id);',
      'CREATE INDEX people_by_team ON public.people',
      'CREATE TRIGGER people_stay BEFORE DELETE ON people',
      "COMMENT ON COLUMN people.mood IS 'how they are';",
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
    'DROP TRIGGER people_stay ON people',
    `CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$`,
  ])('changes with %s', async (change) => {
    const client = await connect();
    await client.query(schema);
    const before = await schemaText(client);
    await client.query(change);
    expect(await schemaText(client)).not.toBe(before);
  });

  it('refuses what it would leave out', async () => {
    const client = await connect();
    await client.query('CREATE MATERIALIZED VIEW snapshot AS SELECT 1 AS n');
    await expect(schemaText(client)).rejects.toThrow('snapshot (kind m)');
  });
});
