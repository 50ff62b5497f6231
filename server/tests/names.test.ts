import pg from 'pg';
import { afterAll, expect, test } from 'vitest';
import { MIGRATIONS, migrate, readMigrations } from '#server/db/migrate.ts';
import { makeDatabase, startTestApp } from './harness.ts';
import { refusal } from './refusal.ts';
import { uniqueName, world } from './world.ts';

const app = await startTestApp();
afterAll(() => app.stop());
const w = await world(app);
const { admin, organisation, organisationId } = w;
const { pool } = app.context.db;

const destinationOf = (name: string) => ({
  organisation,
  name,
  environment: 'staging',
  type: { organisation: 'forage', name: 'noop', version: 1n },
  metadata: {},
});

/** What has a name, how it is created, and how a double from before is put into the database. */
const NAMED = [
  {
    what: 'organisations',
    create: (name: string) => admin.organisations.createOrganisation({ name }),
    columns: 'id, name, created_at',
    values: 'gen_random_uuid(), $1, now()',
  },
  {
    what: 'projects',
    create: (project: string) => admin.releases.createProject({ organisation, project }),
    columns: 'id, organisation_id, name, created_at',
    values: 'gen_random_uuid(), $2, $1, now()',
  },
  {
    what: 'environments',
    create: (name: string) => admin.environments.createEnvironment({ organisation, name }),
    columns: 'id, organisation_id, name, created_at',
    values: 'gen_random_uuid(), $2, $1, now()',
  },
  {
    what: 'destinations',
    create: (name: string) => admin.destinations.createDestination(destinationOf(name)),
    columns:
      'id, organisation_id, name, type_organisation, type_name, type_version, created_at, environment_id',
    values: `gen_random_uuid(), $2, $1, 'forage', 'noop', 1, now(),
      (select id from environments where organisation_id = $2 and name = 'staging')`,
  },
] as const;

/** Puts names into the database that differ by their case alone, as before. */
async function doubles(
  client: pg.ClientBase,
  { what, columns, values }: (typeof NAMED)[number],
  names: string[],
) {
  await client.query(`alter table ${what} disable trigger refuse_same_name`);
  for (const name of names) {
    const params = what === 'organisations' ? [name] : [name, organisationId];
    await client.query(`insert into ${what} (${columns}) values (${values})`, params);
  }
  await client.query(`alter table ${what} enable trigger refuse_same_name`);
}

test.each(NAMED)('names of $what differ by more than their case', async ({ what, create }) => {
  const name = uniqueName(`acme-${what}`);
  const other = name.toUpperCase();
  await create(name);
  const refused = { code: 'AlreadyExists', message: `The name ${other} is taken (as ${name})` };
  expect(await refusal(Promise.resolve(create(other)))).toMatchObject(refused);
  expect(await refusal(Promise.resolve(create(name)))).toMatchObject({
    code: 'AlreadyExists',
    message: expect.stringContaining(`"${name}" already exists`),
  });
});

test.each(NAMED)(
  'of two $what at once whose names differ by case, one is created',
  async ({ what, create }) => {
    const name = uniqueName(`at-once-${what}`);
    const spellings = [name, name.toUpperCase(), name.replace('a', 'A')];
    const results = await Promise.allSettled(spellings.map((spelling) => create(spelling)));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  },
);

test.each(NAMED)(
  '$what whose names differed by case before keep working, and no further one is added',
  async (named) => {
    const { what, create } = named;
    const name = uniqueName(`Double-${what}`);
    const client = await pool.connect();
    try {
      await doubles(client, named, [name, name.toUpperCase()]);
      // Changes of other columns are no new names.
      await client.query(`update ${what} set created_at = now() where lower(name) = lower($1)`, [name]);
      const renamed = client.query(`update ${what} set name = $2 where name = $1`, [
        name,
        name.toLowerCase(),
      ]);
      await expect(renamed).rejects.toThrow(`is taken (as ${name.toUpperCase()})`);
    } finally {
      client.release();
    }
    expect(await refusal(Promise.resolve(create(name.toLowerCase())))).toMatchObject({
      code: 'AlreadyExists',
    });
  },
);

test('names of deleted environments and destinations are free in any case', async () => {
  const [environment, destination] = [uniqueName('qa'), uniqueName('eu')];
  const created = await admin.environments.createEnvironment({ organisation, name: environment });
  const id = created.environment?.id ?? '';
  await admin.environments.deleteEnvironment({ id });
  await admin.environments.createEnvironment({ organisation, name: environment.toUpperCase() });
  await admin.destinations.createDestination(destinationOf(destination));
  await admin.destinations.deleteDestination({ organisation, name: destination });
  await admin.destinations.createDestination(destinationOf(destination.toUpperCase()));
});

test('other organisations may have the same names', async () => {
  const other = await world(app);
  await admin.releases.createProject({ organisation, project: 'shared-name' });
  await other.admin.releases.createProject({ organisation: other.organisation, project: 'SHARED-name' });
});

test('the migration logs the names that differ by case alone, and fills in who created tokens', async () => {
  const database = await makeDatabase('empty');
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const warnings: string[] = [];
  const log = {
    info: () => {},
    error: () => {},
    warn: (_: object, message: string) => warnings.push(message),
  };
  try {
    const files = await readMigrations(MIGRATIONS);
    const before = files.findIndex(({ name }) => name.includes('names_and_token_makers'));
    await migrate(client, MIGRATIONS, log, { upTo: before });
    expect(warnings).toEqual([]);
    const [one, two, token, maker, account] = Array.from({ length: 5 }, () => crypto.randomUUID());
    await client.query(
      `insert into organisations (id, name, created_at) values ($1, 'acme', now()), ($2, 'ACME', now())`,
      [one, two],
    );
    await client.query(
      `insert into environments (id, organisation_id, name, created_at)
       select gen_random_uuid(), $1, name, now() from unnest('{production,Production,staging}'::text[]) name`,
      [one],
    );
    await client.query(
      `insert into users (id, kind, organisation_id, username, created_at, updated_at)
       values ($1, 'person', null, 'maker', now(), now()), ($2, 'service', $3, 'ci (service account)', now(), now())`,
      [maker, account, one],
    );
    await client.query(
      `insert into credentials (id, kind, user_id, secret_hash, family_id, created_at)
       values ($1, 'service', $2, 'x', $1, now())`,
      [token, account],
    );
    const entry = `insert into history (organisation_id, at, kind, actor_id, actor_username, subject, after, content_hash)
      values ($1, now(), 'service_account.token_created', $2, 'maker', 'ci', $3, sha256('x'))`;
    await client.query(entry, [one, maker, JSON.stringify({ token_id: token })]);
    await migrate(client, MIGRATIONS, log);
    expect(warnings).toEqual([
      'the names of environments of acme differ by case alone: Production, production; they keep working, and no further one can be added',
      'the names of organisations differ by case alone: ACME, acme; they keep working, and no further one can be added',
    ]);
    const { rows } = await client.query('select created_by from credentials');
    expect(rows).toEqual([{ created_by: maker }]);
  } finally {
    await client.end();
    await database.drop();
  }
});
