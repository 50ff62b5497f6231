import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Statement } from '#server/db/database.ts';
import { listHistory } from '#server/features/history/store.ts';
import { findTargets, intentStates } from '#server/features/releases/store.ts';
import { startTestApp, type TestApp } from './harness.ts';

/*
 * What is read of tables that grow for ever follows an index in its order, so that it reads as much as it answers. The
 * tables of a test are small: without other ways forbidden, the planner would read them whole.
 */

const SOMETHING = '01890000-0000-7000-8000-000000000000';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.stop());

async function planOf<Params extends readonly unknown[]>(
  statement: Statement<Params, unknown>,
  params: Params,
): Promise<string> {
  const client = await app.context.db.pool.connect();
  try {
    await client.query('begin');
    await client.query('set local enable_seqscan = off; set local enable_bitmapscan = off');
    await client.query('set local enable_sort = off; set local enable_incremental_sort = off');
    const { rows } = await client.query(`explain ${statement.text}`, [...params]);
    return rows.map((row) => row['QUERY PLAN']).join('\n');
  } finally {
    await client.query('rollback');
    client.release();
  }
}

test('what was deployed to a destination last', async () => {
  const plan = await planOf(findTargets, [SOMETHING, SOMETHING]);
  expect(plan).toContain('using releases_deployed');
});

test('a page of a project’s releases', async () => {
  const plan = await planOf(intentStates, [SOMETHING, SOMETHING, null, true, new Date(), SOMETHING, 50]);
  expect(plan).toMatch(/using release_intents_project on .*\n.*Index Cond: .*created_at/);
});

test('a page of a project’s history', async () => {
  const plan = await planOf(listHistory, [SOMETHING, SOMETHING, null, null, null, 1_000_000, 50, null, null]);
  expect(plan).toMatch(/using history_project on .*\n.*Index Cond: .*id </);
});
