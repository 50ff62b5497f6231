import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Statement } from '#server/db/database.ts';
import { pendingApprovals } from '#server/features/approvals/store.ts';
import { intentFacts } from '#server/features/gate/store.ts';
import type { HistoryQuery } from '#server/features/history/filters.ts';
import { chainPortion, listHistory } from '#server/features/history/store.ts';
import { destinationStates, findTargets, intentStates } from '#server/features/releases/store.ts';
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
  bitmaps: 'on' | 'off' = 'off',
): Promise<string> {
  const client = await app.context.db.pool.connect();
  try {
    await client.query('begin');
    await client.query(`set local enable_seqscan = off; set local enable_bitmapscan = ${bitmaps}`);
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

const historyPlan = (filter: Partial<HistoryQuery>) => {
  const none = { member: null, projectId: null, releaseIntentId: null, kind: null, actorId: null };
  const ends = { before: null, after: null, since: null, until: null };
  const query = { organisationId: SOMETHING, ...none, ...ends, ...filter };
  const { statement, params } = listHistory(query, 50);
  return planOf(statement, params);
};

test('a page of a project’s history', async () => {
  const plan = await historyPlan({ projectId: SOMETHING, before: 1_000_000 });
  expect(plan).toMatch(/using history_project on .*\n.*Index Cond: .*id </);
});

test('a portion of a chain', async () => {
  expect(await planOf(chainPortion, [SOMETHING, 1_000, 200])).toMatch(
    /using history_chain on .*\n.*Index Cond: .*sequence >/,
  );
});

test('a page of the history by kind, by actor, and of a span', async () => {
  expect(await historyPlan({ kind: 'policy.updated', before: 1_000_000 })).toMatch(
    /using history_kind on .*\n.*Index Cond: .*kind = .*id </,
  );
  expect(await historyPlan({ actorId: SOMETHING, before: 1_000_000 })).toMatch(
    /using history_actor on .*\n.*Index Cond: .*actor_id = .*id </,
  );
  const span = await historyPlan({ since: new Date(0), until: new Date() });
  expect(span.match(/using history_at on .*\n.*Index Cond: .*at [<>]/g)).toHaveLength(2);
  expect(span).toMatch(/using history_organisation on .*\n.*Index Cond: .*id >.*id </);
});

test('what an organisation, a project and an artifact last released to each destination', async () => {
  const after = [null, null, null, 50] as const;
  const plan = (which: 'organisation' | 'project' | 'artifact') =>
    planOf(destinationStates[which], [SOMETHING, which === 'organisation' ? null : SOMETHING, ...after]);
  expect(await plan('organisation')).toMatch(/using releases_latest on /);
  expect(await plan('project')).toMatch(/using releases_project on .*\n.*Index Cond: .*destination_id/);
  expect(await plan('artifact')).toMatch(/using releases_artifact on .*\n.*Index Cond: .*destination_id/);
});

test('what waits for somebody’s vote, oldest first', async () => {
  const plan = await planOf(pendingApprovals, [SOMETHING, new Date(0), SOMETHING, '', 50]);
  expect(plan).toMatch(/using stages_waiting on .*\n.*Index Cond: .*queued_at/);
});

test('the authors of a release, however many users there are', async () => {
  const plan = await planOf(intentFacts, [SOMETHING], 'on');
  for (const index of ['users_pkey', 'users_username', 'users_email']) {
    expect(plan).toMatch(new RegExp(`Bitmap Index Scan on ${index}`));
  }
});
