import { afterAll, beforeAll, expect, test } from 'vitest';
import { statement } from '#server/db/database.ts';
import { startTestApp, type TestApp } from './harness.ts';

/* Statements that a transaction sends together with the next one, or with the COMMIT. */

const insert = statement<readonly [id: number, word: string]>(
  'batch.insert',
  'insert into batched values ($1, $2)',
);
const words = statement<readonly [], { id: number; word: string }>(
  'batch.words',
  'select id, word from batched order by id',
);
const divide = statement<readonly [by: number], { ratio: number }>(
  'batch.divide',
  'select 1 / $1::int as ratio',
);

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
  await app.context.db.pool.query('create table batched (id int primary key, word text not null)');
});
afterAll(() => app.stop());

const stored = async () => (await app.context.db.run(words, [])).map(({ id }) => id);

test('what is sent is there for the next statement, in order, and after the commit', async () => {
  const { db } = app.context;
  const seen = await db.transaction(async (tx) => {
    tx.send(insert, [1, 'one']);
    tx.send(insert, [2, 'two']);
    const between = await tx.run(words, []);
    tx.send(insert, [3, 'three']);
    return between;
  });
  expect(seen).toEqual([
    { id: 1, word: 'one' },
    { id: 2, word: 'two' },
  ]);
  expect(await stored()).toEqual([1, 2, 3]);
});

test('what fails on the way to the COMMIT fails the transaction, and nothing is stored', async () => {
  const { db } = app.context;
  const signals: string[] = [];
  const work = db.transaction(async (tx) => {
    tx.afterCommit(() => signals.push('told'));
    await tx.run(words, []);
    tx.send(insert, [4, 'four']);
    tx.send(insert, [1, 'again']);
    tx.send(insert, [5, 'five']);
  });
  await expect(work).rejects.toMatchObject({ code: '23505' });
  expect([await stored(), signals]).toEqual([[1, 2, 3], []]);
});

test('what fails before a statement fails that statement, and the connection goes on', async () => {
  const { db } = app.context;
  // More times than the pool has connections: none may be left that takes a statement for known that was never read.
  for (let times = 0; times < 20; times++) {
    const unread = statement<readonly []>(`batch.unread_${times % 3}`, `select ${times % 3}`);
    const work = db.transaction(async (tx) => {
      tx.send(divide, [0]);
      return tx.run(unread, []);
    });
    await expect(work).rejects.toMatchObject({ code: '22012' });
    await db.transaction(async (tx) => {
      tx.send(divide, [1]);
      await tx.run(unread, []);
    });
  }
  expect(await stored()).toEqual([1, 2, 3]);
});

test('a transaction that asks the database for nothing begins none', async () => {
  expect(await app.context.db.transaction(async () => 'nothing')).toBe('nothing');
});
