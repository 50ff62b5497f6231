import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { MIGRATIONS, migrate } from '#server/db/migrate.ts';
import { record } from '#server/features/history/service.ts';
import { chainsOf, verifyChain } from '#server/features/history/verify-service.ts';
import { command } from './backup-world.ts';
import { makeDatabase, startTestApp, type TestApp } from './harness.ts';
import { ended, type World, world } from './world.ts';

vi.setConfig({ testTimeout: 60_000 });

let app: TestApp;
let w: World;
beforeAll(async () => {
  app = await startTestApp();
  w = await world(app);
  const id = await w.release((await w.artifact()).artifactId, ['staging']);
  await ended(w, id);
});
afterAll(() => app.stop());

type Organisation = Pick<World, 'organisation' | 'organisationId'>;

const verify = async ({ organisation }: Organisation = w) => {
  const { $typeName: _, ...found } = await w.admin.policies.verifyHistory({ organisation });
  return found;
};

let made = 0;
/** An organisation of `w.admin` with nine entries. */
async function another(): Promise<Organisation> {
  const name = `chain-${++made}`;
  const { organisationId } = await w.admin.organisations.createOrganisation({ name });
  await app.context.db.transaction(async (tx) => {
    for (let n = 2; n <= 9; n++) {
      await record(tx, app.context, {
        organisationId,
        kind: 'policy.updated',
        actor: w.admin,
        subject: `policy ${n}`,
        before: { n },
        after: { n: n + 1, config: { branchPattern: 'main' } },
      });
    }
  });
  return { organisation: name, organisationId };
}

const lengthOf = async (organisationId: string) => {
  const { rows } = await app.context.db.pool.query<{ n: number }>(
    'select count(*) as n from history where organisation_id = $1',
    [organisationId],
  );
  return rows[0]?.n ?? 0;
};

test('an id that a request spells in capitals is the same id', async () => {
  await w.approvalPolicy(1);
  const id = await w.release((await w.artifact()).artifactId, ['production']);
  await w.reviewer.policies.rejectRelease({
    project: w.project,
    releaseIntentId: id.toUpperCase(),
    targetEnvironment: 'production',
  });
  await w.author.releases.cancelRelease({ releaseIntentId: id.toUpperCase() });
  const { organisation, organisationId } = await another();
  const { userId, username } = w.admin;
  await app.context.db.transaction((tx) =>
    record(tx, app.context, {
      organisationId: organisationId.toUpperCase(),
      projectId: id.toUpperCase(),
      releaseIntentId: id.toUpperCase(),
      kind: 'policy.updated',
      actor: { userId: userId.toUpperCase(), username },
      proof: { kind: 'session', id: id.toUpperCase() },
      subject: 'policy in capitals',
    }),
  );
  expect(await verify()).toMatchObject({ ok: true });
  expect(await verify({ organisation, organisationId })).toMatchObject({ ok: true, entries: 10n });
});

test('everything that servers append fits, and the head is that of the last entry', async () => {
  const found = await verify();
  const { entries } = await w.admin.policies.listHistory({ organisation: w.organisation, pageSize: 1 });
  expect(found).toMatchObject({ ok: true, headHash: entries[0]?.hash, entries: entries[0]?.sequence });
  expect(Number(found.entries)).toBe(await lengthOf(w.organisationId));
  expect(found.firstBadSequence).toBeUndefined();
});

test('entries of many transactions at once, over two organisations, stand in one order each without gaps', async () => {
  const there = await another();
  const organisations = [w.organisationId, there.organisationId];
  await Promise.all(
    Array.from({ length: 40 }, (_, n) =>
      app.context.db.transaction(async (tx) => {
        // Half of them name the organisations the other way round: in any other order than one they would deadlock.
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

test('an entry of a transaction that is undone leaves nothing, and no gap', async () => {
  const before = await verify();
  const undone = app.context.db.transaction(async (tx) => {
    const about = { organisationId: w.organisationId, kind: 'test.undone', actor: null, subject: 'x' };
    await record(tx, app.context, about);
    throw new Error('undone');
  });
  await expect(undone).rejects.toThrow('undone');
  expect(await verify()).toEqual(before);
});

test('whatever JSON is recorded comes back from the database with the same hash', async () => {
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
      // What the database would have hashed by itself, as it does for servers of an earlier version.
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

test('what cannot be told unmistakably is refused with all that it belongs to', async () => {
  const before = await verify();
  for (const after of [{ text: 'a\0b' }, { 'a\0b': 'text' }, { half: '\ud800' }]) {
    const refused = app.context.db.transaction(async (tx) => {
      const about = { organisationId: w.organisationId, kind: 'test.odd', actor: null, subject: 'x' };
      await record(tx, app.context, { ...about, after });
    });
    await expect(refused).rejects.toThrow('the history holds');
  }
  expect(await verify()).toEqual(before);
});

test('numbers that languages write differently are kept as text', async () => {
  const about = { organisationId: w.organisationId, kind: 'test.numbers', actor: null, subject: 'x' };
  const after = { share: 0.5, tiny: 1e-7, huge: 2 ** 53, whole: 7 };
  await app.context.db.transaction((tx) => record(tx, app.context, { ...about, after }));
  const { entries } = await w.admin.policies.listHistory({
    organisation: w.organisation,
    kind: 'test.numbers',
  });
  expect(entries[0]?.after).toEqual({ share: '0.5', tiny: '1e-7', huge: '9007199254740992', whole: 7 });
});

test('what is inserted by hand is linked like everything else, whatever place it claims', async () => {
  await app.context.db.pool.query(
    `insert into history (organisation_id, at, kind, actor_username, subject, sequence, previous_hash, hash, content_hash)
     values ($1, now(), 'hand', 'somebody', 'x', 1, '', '', null)`,
    [w.organisationId],
  );
  expect(await verify()).toMatchObject({ ok: true });
});

test('the heads take no change, but by a new entry', async () => {
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

describe('an edit by the owner of the database, with its triggers off', () => {
  let there: Organisation;
  const length = 9;
  /** Runs statements as whoever owns the tables may, behind the backs of all triggers. `$1` is the organisation. */
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
    // The same numbers, of a year before our era.
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
  test.each(fields)('of a field is found: %s', async (change) => {
    await tamper(`update history set ${change} where ${at(4)}`);
    expect(await verify(there)).toMatchObject({ ok: false, entries: 3n, firstBadSequence: 4n });
  });

  test('of a field with the hash of its new content made to fit is found', async () => {
    await tamper(
      `update history h set subject = 'forged' where ${at(4)}`,
      `update history h set content_hash = history_content_hash(h) where ${at(4)}`,
    );
    expect(await verify(there)).toMatchObject({ ok: false, firstBadSequence: 4n });
    await tamper(
      `update history set hash = sha256(previous_hash || int8send(sequence) || content_hash) where ${at(4)}`,
    );
    // Now the one behind it does not fit: everything up to the head would have to be written anew.
    expect(await verify(there)).toMatchObject({ ok: false, entries: 4n, firstBadSequence: 5n });
  });

  test('that takes an entry out is found, in the middle and at both ends', async () => {
    await tamper(`delete from history where ${at(4)}`);
    expect(await verify(there)).toMatchObject({ firstBadSequence: 4n, problem: 'entry 4 is missing' });
    there = await another();
    await tamper(`delete from history where ${at(1)}`);
    expect(await verify(there)).toMatchObject({ firstBadSequence: 1n, problem: 'entry 1 is missing' });
    there = await another();
    await tamper(`delete from history where ${at(LAST)}`);
    expect(await verify(there)).toMatchObject({ ok: false, firstBadSequence: BigInt(length) });
    await tamper(`delete from history where organisation_id = $1`);
    expect(await verify(there)).toMatchObject({ ok: false, entries: 0n, firstBadSequence: 1n });
    await tamper(`delete from history_heads where chain = $1`);
    expect(await verify(there)).toMatchObject({ ok: false, firstBadSequence: 1n });
  });

  test('that swaps two, puts one in, or doubles one is found', async () => {
    await tamper(
      `update history set sequence = -1 where ${at(3)}`,
      `update history set sequence = 3 where ${at(4)}`,
      `update history set sequence = 4 where ${at(-1)}`,
    );
    expect(await verify(there)).toMatchObject({ ok: false, firstBadSequence: 3n });
    there = await another();
    const copy = (sequence: string) =>
      `insert into history (organisation_id, at, kind, actor_username, subject, sequence, content_hash, previous_hash, hash)
       select organisation_id, at, kind, actor_username, 'put in', ${sequence}, content_hash, previous_hash, hash
         from history where ${at(4)}`;
    await tamper(
      `update history set sequence = sequence + 1000 where organisation_id = $1 and sequence > 4`,
      copy('5'),
      `update history set sequence = sequence - 999 where organisation_id = $1 and sequence > 1000`,
    );
    expect(await verify(there)).toMatchObject({ ok: false, firstBadSequence: 5n });
    there = await another();
    await tamper(copy(`${LAST} + 1`));
    expect(await verify(there)).toMatchObject({ ok: false, firstBadSequence: BigInt(length + 1) });
    there = await another();
    await tamper(copy('0'));
    expect(await verify(there)).toMatchObject({ ok: false });
  });

  test('that moves an entry to another organisation, or out of the order in which it is shown, is found', async () => {
    await tamper(
      `update history set organisation_id = '${w.organisationId}', sequence = 1000000 where ${at(4)}`,
    );
    expect(await verify(there)).toMatchObject({ ok: false, firstBadSequence: 4n });
    expect(await verify(w)).toMatchObject({ ok: false });
    await tamper(
      `update history set organisation_id = $1, sequence = 4 where organisation_id = '${w.organisationId}' and sequence = 1000000`,
    );
    expect(await verify(there)).toMatchObject({ ok: true });
    await tamper(`update history set id = default where ${at(2)}`);
    expect(await verify(there)).toMatchObject({ ok: false, firstBadSequence: 3n });
  });

  test('of the head is found', async () => {
    await tamper(`update history_heads set sequence = sequence + 1 where chain = $1`);
    expect(await verify(there)).toMatchObject({ ok: false, firstBadSequence: BigInt(length + 1) });
    await tamper(`update history_heads set sequence = sequence - 2 where chain = $1`);
    expect(await verify(there)).toMatchObject({ ok: false, firstBadSequence: BigInt(length) });
    await tamper(`update history_heads set sequence = sequence + 1, hash = sha256('') where chain = $1`);
    expect(await verify(there)).toMatchObject({ ok: false, entries: BigInt(length) });
  });

  test('is named by `npm run verify-history`, which leaves the others alone', async () => {
    await tamper(`update history set subject = 'forged' where ${at(4)}`);
    const where = { databaseUrl: app.databaseUrl };
    const all = await command('verify-history', null, where);
    expect(all.code).toBe(1);
    expect(all.words).toContain(
      `${there.organisation}: DOES NOT FIT: entry 4 says something else than when it was appended. Up to entry 3 everything fits.`,
    );
    const { headHash, entries } = await verify(w);
    expect(all.words).toContain(`${w.organisation}: ${entries} entries fit; head ${entries} ${headHash}`);
    const one = await command('verify-history', `--organisation=${w.organisation}`, where);
    expect(one).toMatchObject({ code: 0, words: expect.stringContaining('entries fit') });
    expect((await command('verify-history', `--organisation=${there.organisation}`, where)).code).toBe(1);
    const unknown = await command('verify-history', '--organisation=nobody', where);
    expect(unknown).toEqual({ code: 1, words: 'There is no organisation "nobody".\n' });
    expect((await command('verify-history', '--all', where)).code).toBe(2);
  });
});

test('entries from before the chain are put into one, in the order in which they were written', async () => {
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
    const chains = await chainsOf(executor);
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
