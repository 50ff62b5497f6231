import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { MIGRATIONS, migrate } from '#server/db/migrate.ts';
import { record } from '#server/features/history/service.ts';
import { listChains, verifyChain } from '#server/features/history/verify-service.ts';
import { command } from './backup-world.ts';
import { makeDatabase, startTestApp } from './harness.ts';
import { ended, person, type World, world } from './world.ts';

vi.setConfig({ testTimeout: 60_000 });

const app = await startTestApp();
afterAll(() => app.stop());
const w = await world(app);
await ended(w, await w.release((await w.artifact()).artifactId, ['staging']));

type Organisation = Pick<World, 'organisation' | 'organisationId' | 'admin'>;

const verify = async ({ organisation, admin }: Organisation = w) => {
  const { $typeName: _, ...found } = await admin.policies.verifyHistory({ organisation });
  return found;
};

let made = 0;
/** An organisation with an admin of its own, who may have only some, and nine entries. */
async function another(): Promise<Organisation> {
  const name = `chain-${++made}`;
  const admin = await person(app, 'admin');
  const { organisationId } = await admin.organisations.createOrganisation({ name });
  await app.context.db.transaction(async (tx) => {
    for (let n = 2; n <= 9; n++) {
      await record(tx, app.context, {
        organisationId,
        kind: 'policy.updated',
        actor: admin,
        subject: `policy ${n}`,
        before: { n },
        after: { n: n + 1, config: { branchPattern: 'main' } },
      });
    }
  });
  return { organisation: name, organisationId, admin };
}

test('upper-case ids do not break the chain', async () => {
  const id = app.context.newId().toUpperCase();
  const { organisation, organisationId, admin } = await another();
  const { userId, username } = w.admin;
  await app.context.db.transaction((tx) =>
    record(tx, app.context, {
      organisationId: organisationId.toUpperCase(),
      projectId: id,
      releaseIntentId: id,
      kind: 'policy.updated',
      actor: { userId: userId.toUpperCase(), username },
      proof: { kind: 'session', id },
      subject: 'policy in upper case',
    }),
  );
  expect(await verify({ organisation, organisationId, admin })).toMatchObject({ ok: true, entries: 10n });
});

test('a history that servers wrote is valid, and its head is the last entry', async () => {
  const found = await verify();
  const { entries } = await w.admin.policies.listHistory({ organisation: w.organisation, pageSize: 1 });
  expect(found).toMatchObject({ ok: true, headHash: entries[0]?.hash, entries: entries[0]?.sequence });
  const sql = 'select count(*) as n from history where organisation_id = $1';
  expect((await app.context.db.pool.query(sql, [w.organisationId])).rows).toEqual([
    { n: Number(found.entries) },
  ]);
  expect(found.firstBadSequence).toBeUndefined();
});

test('simultaneous transactions in two organisations leave no gaps and do not deadlock', async () => {
  const there = await another();
  const organisations = [w.organisationId, there.organisationId];
  await Promise.all(
    Array.from({ length: 40 }, (_, n) =>
      app.context.db.transaction(async (tx) => {
        // In both orders: only one order of locks rules out deadlocks.
        for (const organisationId of n % 2 === 0 ? organisations : organisations.toReversed()) {
          const about = { organisationId, kind: 'test.appended', actor: null, subject: String(n) };
          await record(tx, app.context, about);
          await record(tx, app.context, { ...about, after: { n } });
        }
      }),
    ),
  );
  for (const one of [w, there]) expect(await verify(one)).toMatchObject({ ok: true });
  const { rows } = await app.context.db.pool.query(
    `select count(*) as n from history where organisation_id = any ($1) and kind = 'test.appended'`,
    [organisations],
  );
  expect(rows[0]?.n).toBe(160);
});

test('a transaction that is rolled back leaves no entry and no gap', async () => {
  const before = await verify();
  const undone = app.context.db.transaction(async (tx) => {
    const about = { organisationId: w.organisationId, kind: 'test.undone', actor: null, subject: 'x' };
    await record(tx, app.context, about);
    throw new Error('undone');
  });
  await expect(undone).rejects.toThrow('undone');
  expect(await verify()).toEqual(before);
});

test('any JSON has the same hash when it is read back', async () => {
  const there = await another();
  const word = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\0', ''));
  const json = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom(null, true, false),
      fc.maxSafeInteger(),
      word,
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(word, tie('value'), { maxKeys: 4 }),
    ),
  })).value;
  await fc.assert(
    fc.asyncProperty(word, json, json, async (subject, before, after) => {
      await app.context.db.transaction((tx) =>
        record(tx, app.context, {
          organisationId: there.organisationId,
          kind: 'test.any',
          actor: null,
          subject,
          before: { before },
          after: { after },
        }),
      );
      // The database computes the same hash, for servers of an earlier version.
      const { rows } = await app.context.db.pool.query(
        `select h.content_hash = history_content_hash(h) as same from history h
          where organisation_id = $1 order by sequence desc limit 1`,
        [there.organisationId],
      );
      expect(rows).toEqual([{ same: true }]);
    }),
    { numRuns: 60 },
  );
  expect(await verify(there)).toMatchObject({ ok: true });
});

test('text that PostgreSQL cannot store is refused with its transaction', async () => {
  const before = await verify();
  for (const after of [{ text: 'a\0b' }, { 'a\0b': 'text' }, { half: '\ud800' }]) {
    const refused = app.context.db.transaction(async (tx) => {
      const about = { organisationId: w.organisationId, kind: 'test.odd', actor: null, subject: 'x' };
      await record(tx, app.context, { ...about, after });
    });
    await expect(refused).rejects.toThrow();
  }
  expect(await verify()).toEqual(before);
});

test('numbers that languages print differently are stored as text', async () => {
  const about = { organisationId: w.organisationId, kind: 'test.numbers', actor: null, subject: 'x' };
  const after = { share: 0.5, tiny: 1e-7, huge: 2 ** 53, whole: 7 };
  await app.context.db.transaction((tx) => record(tx, app.context, { ...about, after }));
  const { entries } = await w.admin.policies.listHistory({
    organisation: w.organisation,
    kind: 'test.numbers',
  });
  expect(entries[0]?.after).toEqual({ share: '0.5', tiny: '1e-7', huge: '9007199254740992', whole: 7 });
});

test('an entry that is inserted by hand is linked, whatever number it claims', async () => {
  await app.context.db.pool.query(
    `insert into history (organisation_id, at, kind, actor_username, subject, sequence, previous_hash, hash, content_hash)
     values ($1, now(), 'hand', 'somebody', 'x', 1, '', '', null)`,
    [w.organisationId],
  );
  expect(await verify()).toMatchObject({ ok: true });
});

test('heads only change by new entries', async () => {
  const { pool } = app.context.db;
  for (const query of [
    'update history_heads set sequence = sequence',
    'delete from history_heads',
    'truncate history_heads',
    `insert into history_heads values (gen_random_uuid(), 0, '', '')`,
  ]) {
    await expect(pool.query(query)).rejects.toThrow('the history is append-only');
  }
});

describe('tampering by the owner of the database, with triggers disabled,', () => {
  let there: Organisation;
  const length = 9;
  /** Runs statements as the owner of the tables, without triggers. `$1` is the organisation. */
  async function tamper(...statements: readonly string[]): Promise<void> {
    const client = await app.context.db.pool.connect();
    try {
      await client.query('begin');
      for (const table of ['history', 'history_heads']) {
        await client.query(`alter table ${table} disable trigger user`);
      }
      for (const statement of statements) await client.query(statement, [there.organisationId]);
      for (const trigger of ['append_only', 'no_truncate', 'link']) {
        await client.query(`alter table history enable always trigger history_${trigger}`);
      }
      for (const trigger of ['follow', 'no_truncate']) {
        await client.query(`alter table history_heads enable always trigger history_heads_${trigger}`);
      }
      await client.query('commit');
    } finally {
      client.release();
    }
  }
  const at = (sequence: number | string) => `organisation_id = $1 and sequence = ${sequence}`;
  const LAST = '(select max(sequence) from history where organisation_id = $1)';

  beforeEach(async () => {
    there = await another();
    expect(await verify(there)).toMatchObject({ ok: true, entries: BigInt(length) });
  });

  const fields = [
    "subject = subject || ' '",
    "actor_username = 'somebody-else'",
    'actor_id = null',
    "kind = 'policy.deleted'",
    "at = at + interval '1 microsecond'",
    // The same digits, of a year before year 1.
    'at = at - make_interval(years => 2 * extract(year from at)::int - 1)',
    "at = 'infinity'",
    "before = '{}'",
    'after = null',
    `after = after || '{"n": 0.5}'`,
    "after = (repeat('[', 5000) || repeat(']', 5000))::jsonb",
    "address = '10.0.0.1'",
    "credential_kind = 'session'",
    'credential_id = gen_random_uuid()',
    "request_id = 'another'",
    'project_id = gen_random_uuid()',
    'release_intent_id = gen_random_uuid()',
  ];
  test.each(fields)('is detected in a field: %s', async (change) => {
    await tamper(`update history set ${change} where ${at(4)}`);
    expect(await verify(there)).toMatchObject({ ok: false, entries: 3n, firstBadSequence: 4n });
  });

  test('is detected when the hashes of the entry were recomputed', async () => {
    await tamper(
      `update history h set subject = 'forged' where ${at(4)}`,
      `update history h set content_hash = history_content_hash(h) where ${at(4)}`,
    );
    expect(await verify(there)).toMatchObject({ ok: false, firstBadSequence: 4n });
    await tamper(
      `update history set hash = sha256(previous_hash || int8send(sequence) || content_hash) where ${at(4)}`,
    );
    // Now the next entry is invalid: all of them up to the head would have to be rewritten.
    expect(await verify(there)).toMatchObject({ ok: false, entries: 4n, firstBadSequence: 5n });
  });

  const drop = (sequence: number | string) => `delete from history where ${at(sequence)}`;
  const dropAll = 'delete from history where organisation_id = $1';
  const copy = (sequence: string) =>
    `insert into history (organisation_id, at, kind, actor_username, subject, sequence, content_hash, previous_hash, hash)
     select organisation_id, at, kind, actor_username, 'put in', ${sequence}, content_hash, previous_hash, hash
       from history where ${at(4)}`;
  const head = (change: string) => `update history_heads set ${change} where chain = $1`;
  test.each<[what: string, firstBad: bigint, statements: readonly string[]]>([
    ['an entry is missing', 4n, [drop(4)]],
    ['the first entry is missing', 1n, [drop(1)]],
    ['the last entry is missing', 9n, [drop(LAST)]],
    ['all entries are missing', 1n, [dropAll]],
    ['all entries and the head are missing', 1n, [dropAll, 'delete from history_heads where chain = $1']],
    [
      'two entries are swapped',
      3n,
      [
        `update history set sequence = -1 where ${at(3)}`,
        `update history set sequence = 3 where ${at(4)}`,
        `update history set sequence = 4 where ${at(-1)}`,
      ],
    ],
    [
      'an entry is inserted',
      5n,
      [
        `update history set sequence = sequence + 1000 where organisation_id = $1 and sequence > 4`,
        copy('5'),
        `update history set sequence = sequence - 999 where organisation_id = $1 and sequence > 1000`,
      ],
    ],
    ['an entry is appended', 10n, [copy(`${LAST} + 1`)]],
    ['an entry is put before the first', 0n, [copy('0')]],
    ['an entry has another position', 3n, [`update history set id = default where ${at(2)}`]],
    ['the head is ahead', 10n, [head('sequence = sequence + 1')]],
    ['the head is behind', 9n, [head('sequence = sequence - 1')]],
    ['the head has another hash', 9n, [head(`hash = sha256('')`)]],
  ])('is detected when %s', async (_, firstBadSequence, statements) => {
    await tamper(...statements);
    expect(await verify(there)).toMatchObject({ ok: false, firstBadSequence });
  });

  test('is detected in both organisations when an entry is moved to another', async () => {
    const where = `organisation_id = '${w.organisationId}' and sequence = 1000000`;
    await tamper(
      `update history set organisation_id = '${w.organisationId}', sequence = 1000000 where ${at(4)}`,
    );
    expect(await verify(there)).toMatchObject({
      ok: false,
      firstBadSequence: 4n,
      problem: 'Entry 4 is missing',
    });
    expect(await verify(w)).toMatchObject({ ok: false });
    await tamper(`update history set organisation_id = $1, sequence = 4 where ${where}`);
    expect(await verify(there)).toMatchObject({ ok: true });
  });

  test('is reported by `npm run verify-history` for its organisation', async () => {
    await tamper(`update history set subject = 'forged' where ${at(4)}`);
    const where = { databaseUrl: app.databaseUrl };
    const all = await command('verify-history', null, where);
    expect(all.code).toBe(1);
    expect(all.output).toContain(
      `${there.organisation}: INVALID: The content of entry 4 was changed. Entries up to 3 are valid.`,
    );
    const { headHash, entries } = await verify(w);
    expect(all.output).toContain(
      `${w.organisation}: verified ${entries} entries; head ${entries} ${headHash}`,
    );
    const one = await command('verify-history', `--organisation=${w.organisation}`, where);
    expect(one).toMatchObject({ code: 0, output: expect.stringContaining('verified') });
    expect((await command('verify-history', `--organisation=${there.organisation}`, where)).code).toBe(1);
    const unknown = await command('verify-history', '--organisation=nobody', where);
    expect(unknown).toEqual({ code: 1, output: 'Organisation "nobody" not found\n' });
    expect((await command('verify-history', '--all', where)).code).toBe(2);
  });
});

test('the migration links existing entries in their order', async () => {
  const database = await makeDatabase();
  const client = new pg.Client({ connectionString: database.url });
  try {
    await client.connect();
    const silent = { info() {}, warn() {}, error() {} };
    await migrate(client, MIGRATIONS, silent, { upTo: 7 });
    await client.query(`
      insert into organisations (id, name, created_at)
        select gen_random_uuid(), 'org-' || n, now() from generate_series(1, 3) n`);
    const odd = { z: [null, true, -5, { b: '', a: '\u0001\n"\\ü🌲\u007f' }], '\ue000': 1, '😀': 2, '': {} };
    await client.query(
      `insert into history (organisation_id, at, kind, actor_username, subject, after, before)
         select o.id, now() + n * interval '1 ms', 'old', 'somebody', 'entry ' || n, $1, null
           from generate_series(1, 600) n, organisations o order by n`,
      [odd],
    );
    await migrate(client, MIGRATIONS, silent);
    const executor = {
      run: async (s: { text: string }, params: readonly unknown[]) =>
        (await client.query(s.text, [...params])).rows,
    };
    const chains = await listChains(executor);
    expect(chains.map(({ organisation }) => organisation)).toEqual(['org-1', 'org-2', 'org-3']);
    for (const { chain } of chains) {
      expect(await verifyChain(executor, chain)).toMatchObject({ entries: 600, fault: null });
    }
    await expect(client.query('update history set subject = subject')).rejects.toThrow('append-only');
  } finally {
    await client.end();
    await database.drop();
  }
});
