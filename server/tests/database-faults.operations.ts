import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Code, ConnectError } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase, statement } from '#server/db/database.ts';
import { isTransient } from '#server/db/database-failure.ts';
import { subjects } from '#server/signals/bus.ts';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import { keptLog, WARN } from './log-lines.ts';
import { type PostgresServer, startPostgres } from './postgres-server.ts';
import { ended, type World, world } from './world.ts';

let folder: string;
let postgres: PostgresServer;
let app: TestApp;
let w: World;
const kept = keptLog();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forage-faults-'));
  // Acknowledged work must survive the crashes below.
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

describe('an unavailable PostgreSQL', () => {
  test('fails requests without waiting, and work resumes when it is back', async () => {
    const [first, second] = [await gated(), await gated()];
    await postgres.crash();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => answerOf(w.author.policies.listPolicies({ project: w.project }))),
    );
    expect(new Set(answers)).toEqual(new Set(['Unavailable']));
    expect(await app.context.ready()).toEqual({ ok: false, reason: expect.stringContaining('unavailable') });

    await postgres.start();
    await eventually(async () => (await answerOf(vote(first))) === 'done', 'a vote to be taken');
    await ended(w, first);
    expect(await app.context.ready()).toEqual({ ok: true, reason: null });
    await vote(second);
    await ended(w, second);
  });

  test('logs what could not be done as warnings, not as errors', async () => {
    const waits = await gated();
    await postgres.crash();
    app.context.bus.publish(subjects.intentEvaluate, waits);
    const about = () =>
      kept.lines().filter(({ intents }) => Array.isArray(intents) && intents.includes(waits));
    await eventually(async () => about().some(({ level }) => level >= WARN), 'a line about the release');
    expect(about().at(-1)).toMatchObject({
      level: WARN,
      msg: 'could not find the organisations of releases; retrying',
      kind: 'unavailable',
      problem: expect.any(String),
    });
    await postgres.start();
    await vote(waits).catch(() => {});
    await eventually(async () => (await answerOf(vote(waits))) !== 'Unavailable', 'the database to be back');
    await ended(w, waits);
    expect(kept.lines().filter(({ level }) => level > WARN)).toEqual([]);
  });

  test('catches up with wanted evaluations when it is back, without a signal or a sweep', async () => {
    // Sweeps are a minute apart in tests.
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

test('reports a full disk, and recovers', async () => {
  const fill = statement<[]>(
    'testFull',
    `do $$ begin raise exception 'could not extend file: No space left on device' using errcode = 'disk_full'; end $$`,
  );
  const full = {
    name: 'DatabaseFailure',
    kind: 'disk_full',
    message: expect.stringContaining('disk is full'),
  };
  const tried = app.context.db.transaction((tx) => tx.run(fill, []));
  await expect(tried).rejects.toMatchObject(full);
  expect(isTransient(await tried.catch((error: unknown) => error))).toBe(true);
  expect(await app.context.ready()).toEqual({ ok: true, reason: null });
});

describe('connections that PostgreSQL ends', () => {
  const nap = statement<[number]>('testNap', 'select pg_sleep($1)');
  const own = statement<[], { pid: number }>('testPid', 'select pg_backend_pid() as pid');
  const terminate = async (pid: number | undefined): Promise<void> => {
    const root = await postgres.superuser();
    await root.query('select pg_terminate_backend($1, 5000)', [pid]);
    await root.end();
  };

  test('fail the transaction as unavailable, between and within statements', async () => {
    const { db } = app.context;
    const between = db.transaction(async (tx) => {
      const [row] = await tx.run(own, []);
      await terminate(row?.pid);
      await tx.run(nap, [0]);
    });
    await expect(between).rejects.toMatchObject({ name: 'DatabaseFailure', kind: 'unavailable' });
    const during = db.transaction(async (tx) => {
      const [row] = await tx.run(own, []);
      void terminate(row?.pid);
      await tx.run(nap, [30]);
    });
    await expect(during).rejects.toMatchObject({ kind: 'unavailable' });
    await db.run(nap, [0]);
  });

  test('are replaced when they were idle', async () => {
    await app.context.db.run(nap, [0]);
    const root = await postgres.superuser();
    const ended = await root.query(
      `select pid, pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'forage' and state = 'idle'`,
    );
    await root.end();
    expect(ended.rowCount).toBeGreaterThan(0);
    // A request may still get one of them before this process notices.
    await eventually(
      async () => (await answerOf(w.author.policies.listPolicies({ project: w.project }))) === 'done',
      'an answer',
    );
    expect(await answerOf(w.author.policies.listPolicies({ project: w.project }))).toBe('done');
  });

  test('are limited to 5 s of idleness in a transaction, so that a paused server releases its locks', async () => {
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

describe('a lost answer', () => {
  const quiet = { info: () => {}, warn: () => {}, error: () => {} };
  const insert = statement<[string]>('testInsert', 'insert into test_outcomes (word) values ($1)');

  /** When the proxy breaks at a COMMIT: before it arrives, after it without its answer, or by falling silent. */
  type Way = 'before' | 'after' | 'silent' | 'never';
  async function startProxy(breaks: () => Way): Promise<{ server: Server; port: number }> {
    const server = createServer((socket) => {
      const onward: Socket = connect(postgres.port, '127.0.0.1');
      let deaf = false;
      let silent = false;
      const end = () => {
        socket.destroy();
        onward.destroy();
      };
      socket.on('error', end).on('close', end);
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

  test('from a silent network is given up after the time limit', async () => {
    const { server, port } = await startProxy(() => 'silent');
    const db = through(port, 1);
    const any = statement<[]>('testAny', 'select 1');
    await Promise.all([
      expect(db.transaction((tx) => tx.run(any, []))).rejects.toMatchObject({ kind: 'unknown_outcome' }),
      expect(db.transaction((tx) => tx.run(any, []))).rejects.toMatchObject({ kind: 'unknown_outcome' }),
      expect(db.run(any, [])).rejects.toMatchObject({ kind: 'pool_exhausted' }),
    ]);
    await db.run(any, []);
    await db.close();
    server.close();
  });

  test('of a COMMIT is reported as an unknown outcome and never retried', async () => {
    const root = await postgres.superuser();
    await root.query('create table test_outcomes (word text); grant all on test_outcomes to forage');
    let breaks: Way = 'never';
    const { server, port } = await startProxy(() => breaks);
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
      await expect(store(how)).rejects.toThrow('which may have been stored. Check before you try again');
    }
    breaks = 'never';
    await store('last');
    expect([tries, told]).toEqual([6, 2]);
    const stored = async () =>
      (await root.query('select word from test_outcomes order by word')).rows.map((r) => r.word);
    await eventually(async () => (await stored()).length >= 4, 'what was committed');
    expect(await stored()).toEqual(['after', 'after', 'first', 'last']);

    // A failing afterCommit action does not fail the stored transaction.
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

test('readiness reports a read-only database and missing migrations', async () => {
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
