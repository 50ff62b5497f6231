import { afterAll, expect, test } from 'vitest';
import type { Statement } from '#server/db/database.ts';
import { listPending } from '#server/features/approvals/store.ts';
import { intentFacts } from '#server/features/gate/store.ts';
import type { HistoryQuery } from '#server/features/history/store.ts';
import { chainPortion, listHistory } from '#server/features/history/store.ts';
import {
  listBuildDestinations,
  listDestinationStates,
  listIntentStates,
  listTargets,
} from '#server/features/releases/store.ts';
import { startTestApp } from './harness.ts';

/*
 * What is read of tables that grow for ever follows an index in its order, so that it reads as much as it answers. The
 * tables of a test are small: without other ways forbidden, the planner would read them whole.
 */

const ID = '01890000-0000-7000-8000-000000000000';

const app = await startTestApp();
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

const historyPlan = (filter: Partial<HistoryQuery>) => {
  const none = { member: null, projectId: null, releaseIntentId: null, actorId: null };
  const about = { kinds: null, excludedKinds: null, subject: null };
  const ends = { before: null, after: null, since: null, until: null };
  const query = { organisationId: ID, ...none, ...about, ...ends, ...filter };
  const { statement, params } = listHistory(query, 50);
  return planOf(statement, params);
};

const periodPlan = () => historyPlan({ since: new Date(0), until: new Date() });
const states = (project: string | null) =>
  planOf(listDestinationStates, [ID, project, null, null, null, 50, null]);
const statesOfBuild = () => planOf(listBuildDestinations, [ID, ID, null, null, null, 50]);

test.each<[string, () => Promise<string>, string, string?]>([
  [
    'what is live at what a request reaches',
    () => planOf(listTargets, [ID, ID]),
    'places_pkey',
    'project_id',
  ],
  [
    'a page of a project’s releases',
    () => planOf(listIntentStates, [ID, ID, null, true, new Date(), ID, 50]),
    'release_intents_project',
    'created_at',
  ],
  [
    'a page of a project’s history',
    () => historyPlan({ projectId: ID, before: 9 }),
    'history_project',
    'id <',
  ],
  ['a portion of a chain', () => planOf(chainPortion, [ID, 1_000, 200]), 'history_chain', 'sequence >'],
  [
    'the history by kinds',
    () => historyPlan({ kinds: ['x', 'y'], before: 9 }),
    'history_kind',
    'kind = .*id <',
  ],
  [
    'the history by actor',
    () => historyPlan({ actorId: ID, before: 9 }),
    'history_actor',
    'actor_id = .*id <',
  ],
  ['the history of a period', () => periodPlan(), 'history_organisation', 'id >.*id <'],
  ['the start of a period', () => periodPlan(), 'history_at', 'at >'],
  ['the end of a period', () => periodPlan(), 'history_at', 'at <'],
  ['what is live in an organisation', () => states(null), 'places_pkey', 'destination_id'],
  ['what is live of a project', () => states(ID), 'places_pkey', 'project_id'],
  ['what is in flight in an organisation', () => states(null), 'releases_open', 'destination_id'],
  ['what did not succeed since a build is live', () => states(ID), 'delivery_runs_place', 'started_moment'],
  ['the last releases of an artifact', statesOfBuild, 'releases_artifact', 'destination_id'],
  [
    'what waits for a user’s vote, oldest first',
    () => planOf(listPending, [ID, new Date(0), ID, '', 50]),
    'stages_waiting',
    'queued_at',
  ],
  [
    'what plans wait for a user’s verdict, oldest first',
    () => planOf(listPending, [ID, new Date(0), ID, '', 50]),
    'stages_plans_waiting',
    'queued_at',
  ],
])('%s is read by an index', async (_, plan, index, condition) => {
  const by = condition === undefined ? '' : `.*\\n.*Index Cond: .*${condition}`;
  expect(await plan()).toMatch(new RegExp(`using ${index} on ${by}`));
});

test('what was done to destinations since the votes is read by an index', async () => {
  expect(await planOf(intentFacts, [ID])).toMatch(
    /using destination_revisions_environment on .*\n.*Index Cond: .*moment >/,
  );
});

test('the authors of a release are found by indexes, however many users there are', async () => {
  const plan = await planOf(intentFacts, [ID], 'on');
  for (const index of ['users_pkey', 'users_username', 'users_email']) {
    expect(plan).toMatch(new RegExp(`Index (Only )?Scan (using|on) ${index}`));
  }
});
