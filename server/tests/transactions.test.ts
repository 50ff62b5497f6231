import { afterAll, describe, expect, test } from 'vitest';
import { statement } from '#server/db/database.ts';
import { outsideRequests, RequestScope, serverShutdown, withinRequest } from '#server/request-scope.ts';
import { voteOn } from './gate-world.ts';
import { eventually, startTestApp } from './harness.ts';
import { expectRefusal } from './refusal.ts';
import { world } from './world.ts';

const insert = statement<readonly [id: number]>('testInsert', 'insert into test_rows values ($1)');
const list = statement<readonly [], { id: number }>('testList', 'select id from test_rows order by id');
const divide = statement<readonly [by: number]>('testDivide', 'select 1 / $1::int as ratio');

const app = await startTestApp({ config: { databasePoolSize: 5 } });
afterAll(() => app.stop());
const { db } = app.context;
await db.pool.query('create table test_rows (id int primary key)');

const stored = async () => (await db.run(list, [])).map(({ id }) => id);

test('runs the statements registered for the end after all others, and signals after the commit', async () => {
  const order: string[] = [];
  await db.transaction(async (tx) => {
    tx.afterCommit(() => order.push('committed'));
    tx.beforeCommit(async () => {
      order.push(`last of ${(await tx.run(list, [])).length}`);
    });
    await tx.run(insert, [1]);
    await tx.run(insert, [2]);
  });
  expect(order).toEqual(['last of 2', 'committed']);
  expect(await stored()).toEqual([1, 2]);
});

test('stores nothing and sends no signal when any statement fails, the last ones included', async () => {
  const signals: string[] = [];
  const work = db.transaction(async (tx) => {
    tx.afterCommit(() => signals.push('committed'));
    tx.beforeCommit(async () => {
      await tx.run(insert, [1]);
    });
    await tx.run(insert, [3]);
  });
  await expect(work).rejects.toMatchObject({ code: '23505' });
  expect([await stored(), signals]).toEqual([[1, 2], []]);
});

test('stores nothing when the work ignores the failure of a statement', async () => {
  const work = db.transaction(async (tx) => {
    await tx.run(insert, [4]);
    await tx.run(divide, [0]).catch(() => {});
  });
  await expect(work).rejects.toThrow('The transaction had failed before its COMMIT');
  expect(await stored()).toEqual([1, 2]);
});

describe('an abandoned request', () => {
  const within = <T>(signal: AbortSignal, work: () => Promise<T>) =>
    withinRequest(Object.assign(new RequestScope('test'), { signal }), work);

  test('sends no statement, but work outside the request continues', async () => {
    const left = AbortSignal.abort(new Error('left'));
    await expect(within(left, () => db.run(insert, [5]))).rejects.toThrow('left');
    await expect(within(left, () => db.transaction((tx) => tx.run(insert, [5])))).rejects.toThrow('left');
    expect(await within(left, () => outsideRequests(stored))).toEqual([1, 2]);
  });

  test.each(['between two statements', 'before the commit'])(
    'is rolled back when it ends %s',
    async (when) => {
      const leave = new AbortController();
      const work = within(leave.signal, () =>
        db.transaction(async (tx) => {
          await tx.run(insert, [6]);
          leave.abort(new Error('left'));
          if (when === 'between two statements') await tx.run(insert, [7]);
        }),
      );
      await expect(work).rejects.toThrow('left');
      expect(await stored()).toEqual([1, 2]);
    },
  );

  test('finishes when only the server stops', async () => {
    const stop = new AbortController();
    await within(stop.signal, () =>
      db.transaction(async (tx) => {
        await tx.run(insert, [8]);
        stop.abort(serverShutdown());
        await tx.run(insert, [9]);
      }),
    );
    expect(await stored()).toEqual([1, 2, 8, 9]);
  });
});

test('votes whose deadline passes while they wait for a lock store nothing and give back their connections', async () => {
  const { pool } = db;
  const w = await world(app);
  await w.approvalPolicy(2);
  const releaseIntentId = await w.releaseNew(['production']);
  await app.coordinator.idle();
  const holder = await pool.connect();
  await holder.query('set idle_in_transaction_session_timeout = 0');
  await holder.query('begin');
  await holder.query('select 1 from release_intents where id = $1 for update', [releaseIntentId]);

  const calls = Array.from({ length: 12 }, () =>
    w.reviewer.policies.approveRelease(voteOn(w, releaseIntentId), { timeoutMs: 400 }),
  );
  await expectRefusal('DeadlineExceeded', ...calls);
  await holder.query('rollback');
  holder.release(true);

  await eventually(
    async () => pool.waitingCount === 0 && pool.idleCount === pool.totalCount,
    'all connections to be free',
  );
  const { rows } = await pool.query('select count(*) as n from approval_decisions');
  expect(rows).toEqual([{ n: 0 }]);
});

test('a statement after the end of the shutdown fails as one of an unavailable database', async () => {
  const other = await startTestApp();
  await other.stop();
  await expect(other.context.db.run(statement('tests.too_late', 'select 1'), [])).rejects.toMatchObject({
    name: 'DatabaseFailure',
    kind: 'unavailable',
  });
});
