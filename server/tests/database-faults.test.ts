import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Code, ConnectError } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase, statement } from '#server/db/database.ts';
import { isPassing } from '#server/db/database-failure.ts';
import { subjects } from '#server/signals/bus.ts';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import { keptLog, WARN } from './log-lines.ts';
import { type PostgresServer, startPostgres } from './postgres-server.ts';
import { ended, type World, world } from './world.ts';

/** The real server on a PostgreSQL that crashes, restarts, ends sessions and loses answers. */

let folder: string;
let postgres: PostgresServer;
let app: TestApp;
let w: World;
const kept = keptLog();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forage-faults-'));
  // What was acknowledged must be there after a crash, so the disk is waited for.
  postgres = await startPostgres({ folder, settings: { fsync: 'on' } });
  app = await startTestApp({ config: { databaseUrl: postgres.url({ sslmode: 'disable' }) }, log: kept.log });
  w = await world(app);
  await w.approvalPolicy(1);
});
afterAll(async () => {
  await app?.stop();
  await postgres?.stop();
  await rm(folder, { recursive: true, force: true });
});

const gated = async () => {
  const id = await w.release((await w.artifact()).artifactId, ['production']);
  await app.coordinator.idle();
  return id;
};
const vote = (releaseIntentId: string) =>
  w.reviewer.policies.approveRelease({
    project: w.project,
    releaseIntentId,
    targetEnvironment: 'production',
  });
const answerOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'done',
    (error: unknown) => Code[ConnectError.from(error).code],
  );

describe('PostgreSQL that is away', () => {
  test('requests are told so at once; once it is back everything goes on by itself', async () => {
    const [first, second] = [await gated(), await gated()];
    await postgres.crash();
    const began = performance.now();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => answerOf(w.author.policies.listPolicies({ project: w.project }))),
    );
    expect(new Set(answers)).toEqual(new Set(['Unavailable']));
    expect(performance.now() - began).toBeLessThan(3_000);
    expect(await app.context.ready()).toEqual({ ok: false, reason: expect.stringContaining('away') });

    await postgres.start();
    await eventually(async () => (await answerOf(vote(first))) === 'done', 'a vote to be taken', 5_000);
    await ended(w, first);
    expect(await app.context.ready()).toEqual({ ok: true, reason: null });
    await vote(second);
    await ended(w, second);
  });

  test('the log says what could not be done meanwhile, and blames no fault of the program', async () => {
    const waits = await gated();
    await postgres.crash();
    app.context.bus.publish(subjects.intentEvaluate, waits);
    const about = () => kept.lines().filter(({ intent }) => intent === waits);
    await eventually(async () => about().some(({ level }) => level >= WARN), 'a line about the release');
    expect(about().at(-1)).toMatchObject({
      level: WARN,
      msg: 'an intent could not be evaluated',
      kind: 'away',
      problem: expect.any(String),
    });
    await postgres.start();
    await vote(waits).catch(() => {});
    await eventually(async () => (await answerOf(vote(waits))) !== 'Unavailable', 'the database to be back');
    await ended(w, waits);
    expect(kept.lines().filter(({ level }) => level > WARN)).toEqual([]);
  });

  test('what was wanted while it was away is done when it is back, without a signal and before any sweep', async () => {
    // Sweeps are a minute apart here, and a restart of PostgreSQL loses the signal with the transaction's connection.
    const waits = await gated();
    await vote(waits).catch(() => {});
    await ended(w, waits);
    const late = await gated();
    const root = await postgres.superuser();
    await root.query(
      `insert into approval_decisions (release_intent_id, target_environment, user_id, username, decision)
       values ($1, 'production', $2, 'reviewer', 'approved')`,
      [late, w.reviewer.userId],
    );
    await root.query('update release_intents set wanted_generation = wanted_generation + 1 where id = $1', [
      late,
    ]);
    await root.end();
    await postgres.crash();
    await postgres.start();
    await ended(w, late);
  });
});

test('a full disk is called so, and fails nothing for good', async () => {
  const fill = statement<[]>(
    'testFull',
    `do $$ begin raise exception 'could not extend file: No space left on device' using errcode = 'disk_full'; end $$`,
  );
  const full = { name: 'DatabaseFailure', kind: 'no_room', message: expect.stringContaining('no room') };
  const tried = app.context.db.transaction((tx) => tx.run(fill, []));
  await expect(tried).rejects.toMatchObject(full);
  expect(isPassing(await tried.catch((error: unknown) => error))).toBe(true);
  expect(await app.context.ready()).toEqual({ ok: true, reason: null });
});

describe('sessions that PostgreSQL ends', () => {
  const nap = statement<[number]>('testNap', 'select pg_sleep($1)');
  const own = statement<[], { pid: number }>('testPid', 'select pg_backend_pid() as pid');
  const terminate = async (pid: number | undefined): Promise<void> => {
    const root = await postgres.superuser();
    await root.query('select pg_terminate_backend($1, 5000)', [pid]);
    await root.end();
  };

  test('in the middle of a transaction, between and within statements', async () => {
    const { db } = app.context;
    const between = db.transaction(async (tx) => {
      const [row] = await tx.run(own, []);
      await terminate(row?.pid);
      await tx.run(nap, [0]);
    });
    await expect(between).rejects.toMatchObject({ name: 'DatabaseFailure', kind: 'away' });
    const during = db.transaction(async (tx) => {
      const [row] = await tx.run(own, []);
      void terminate(row?.pid);
      await tx.run(nap, [30]);
    });
    await expect(during).rejects.toMatchObject({ kind: 'away' });
    await db.run(nap, [0]);
  });

  test('while they are idle: others take their place', async () => {
    await app.context.db.run(nap, [0]);
    const root = await postgres.superuser();
    const ended = await root.query(
      `select pid, pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'forage' and state = 'idle'`,
    );
    await root.end();
    expect(ended.rowCount).toBeGreaterThan(0);
    // They are gone before their ends have come here: whoever takes one of them in between is told to try again.
    await eventually(
      async () => (await answerOf(w.author.policies.listPolicies({ project: w.project }))) === 'done',
      'an answer',
      1_000,
    );
    expect(await answerOf(w.author.policies.listPolicies({ project: w.project }))).toBe('done');
  });

  test('a transaction that does nothing is ended, so that a paused server holds nobody up', async () => {
    const [limit] = await app.context.db.run(
      statement<[], { idle: string }>(
        'testIdle',
        `select current_setting('idle_in_transaction_session_timeout') as idle`,
      ),
      [],
    );
    expect(limit?.idle).toBe('5s');
  });
});

describe('an answer that is lost', () => {
  const quiet = { info: () => {}, warn: () => {}, error: () => {} };
  const insert = statement<[string]>('testInsert', 'insert into test_outcomes (word) values ($1)');

  /** When a COMMIT goes by, it breaks: before that arrives, or after, without its answer; or it says nothing any more. */
  type Way = 'before' | 'after' | 'silent' | 'never';
  async function breakingWay(breaks: () => Way): Promise<{ server: Server; port: number }> {
    const server = createServer((socket) => {
      const onward: Socket = connect(postgres.port, '127.0.0.1');
      let deaf = false;
      let silent = false;
      const end = () => {
        socket.destroy();
        onward.destroy();
      };
      socket.on('error', end).on('close', end);
      // A dead network tells nothing of what ends behind it.
      const endHere = () => silent || end();
      onward.on('error', endHere).on('close', endHere);
      socket.on('data', (bytes) => {
        const how = bytes.includes('commit\0') ? breaks() : 'never';
        if (how === 'before') return end();
        silent ||= how === 'silent';
        if (silent) return;
        deaf ||= how === 'after';
        onward.write(bytes);
      });
      onward.on('data', (bytes) => silent || (deaf ? end() : socket.write(bytes)));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    return { server, port: typeof address === 'object' ? (address?.port ?? 0) : 0 };
  }

  const through = (port: number, statementTimeoutSeconds = 30) =>
    openDatabase({
      connection: {
        host: '127.0.0.1',
        port,
        user: 'forage',
        password: new URL(postgres.url()).password,
        database: 'forage',
        ssl: false,
      },
      poolSize: 2,
      statementTimeoutSeconds,
      log: quiet,
    });

  test('a network that falls silent holds nobody up for ever', async () => {
    const { server, port } = await breakingWay(() => 'silent');
    const db = through(port, 1);
    const any = statement<[]>('testAny', 'select 1');
    const began = performance.now();
    await Promise.all([
      expect(db.transaction((tx) => tx.run(any, []))).rejects.toMatchObject({ kind: 'unknown_outcome' }),
      expect(db.transaction((tx) => tx.run(any, []))).rejects.toMatchObject({ kind: 'unknown_outcome' }),
      expect(db.run(any, [])).rejects.toMatchObject({ kind: 'full' }),
    ]);
    expect(performance.now() - began).toBeLessThan(15_000);
    await db.run(any, []);
    await db.close();
    server.close();
  });

  test('a commit without an answer is told as such, and not tried again', async () => {
    const root = await postgres.superuser();
    await root.query('create table test_outcomes (word text); grant all on test_outcomes to forage');
    let breaks: Way = 'never';
    const { server, port } = await breakingWay(() => breaks);
    const db = through(port);
    let tries = 0;
    let told = 0;
    const store = (word: string) =>
      db.transaction(async (tx) => {
        tries++;
        tx.afterCommit(() => told++);
        await tx.run(insert, [word]);
      });
    await store('first');
    for (const how of ['before', 'after'] as const) {
      breaks = how;
      await expect(store(how)).rejects.toMatchObject({ name: 'DatabaseFailure', kind: 'unknown_outcome' });
      await expect(store(how)).rejects.toThrow('it may have happened; look before you try again');
    }
    breaks = 'never';
    await store('last');
    expect([tries, told]).toEqual([6, 2]);
    const stored = async () =>
      (await root.query('select word from test_outcomes order by word')).rows.map((r) => r.word);
    await eventually(async () => (await stored()).length >= 4, 'what was committed');
    expect(await stored()).toEqual(['after', 'after', 'first', 'last']);

    // What follows a commit may fail without failing what is stored.
    await db.transaction(async (tx) => {
      tx.afterCommit(() => {
        throw new Error('a signal that cannot be sent');
      });
      tx.afterCommit(() => told++);
      await tx.run(insert, ['signal']);
    });
    expect(told).toBe(3);
    await db.close();
    server.close();
    await root.end();
  });
});

test('readiness tells a server that takes no writes, and migrations that are missing', async () => {
  const root = await postgres.superuser();
  await root.query(`alter role forage in database forage set default_transaction_read_only = on`);
  await root.query(`select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'forage'`);
  await eventually(async () => !(await app.context.ready()).ok, 'not to be ready');
  expect((await app.context.ready()).reason).toContain('read-only');
  const release = w.artifact();
  expect(await answerOf(release)).toBe('Unavailable');
  await root.query(`alter role forage in database forage reset default_transaction_read_only`);
  await root.query(`select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'forage'`);
  await eventually(async () => (await app.context.ready()).ok, 'to be ready');

  const { rows } = await root.query('delete from schema_migrations where number = 2 returning *');
  expect((await app.context.ready()).reason).toContain('lacks migrations of this server: 0002_');
  await root.query(
    'insert into schema_migrations select * from json_populate_record(null::schema_migrations, $1)',
    [rows[0]],
  );
  // A newer server beside this one has migrated further: an older one goes on until it is replaced.
  await root.query(`insert into schema_migrations values (9999, '9999_of_a_newer_server.sql', '')`);
  expect(await app.context.ready()).toEqual({ ok: true, reason: null });
  await root.query('delete from schema_migrations where number = 9999');
  await root.end();
});
