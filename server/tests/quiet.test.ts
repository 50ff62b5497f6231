import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PipelineRunStageStatus } from '#server/gen/forest/v1/releases_pb.ts';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import { ended, stateOf, type World, world } from './world.ts';

/*
 * A gated release whose facts do not change costs nothing: no evaluation, no write, no statement. The sweep is the one
 * thing that looks at all, and it reads only intents that are behind or due.
 */

let app: TestApp;
let w: World;
const statements: string[] = [];
beforeAll(async () => {
  app = await startTestApp({ observeStatement: (name) => statements.push(name) });
  w = await world(app);
  await w.approvalPolicy(2);
});
afterAll(() => app.stop());

async function gated(): Promise<string> {
  const intentId = await w.release((await w.artifact()).artifactId, ['production']);
  await eventually(
    async () => (await stateOf(w, intentId)).stages[0]?.status === PipelineRunStageStatus.AWAITING_APPROVAL,
    'the stage to wait for approval',
  );
  await app.coordinator.idle();
  return intentId;
}

const rows = async (intentId: string) =>
  (await app.context.db.pool.query('select xmin, * from release_intents where id = $1', [intentId])).rows;

test('nothing is evaluated, read or written while nothing changes', async () => {
  const intents = [await gated(), await gated(), await gated()];
  const before = await rows(intents[0] ?? '');
  const evaluations = app.coordinator.evaluations();
  statements.length = 0;
  await sleep(3_000);
  expect(statements).toEqual([]);
  expect(app.coordinator.evaluations()).toBe(evaluations);
  // The sweep itself finds none of them: one read, no evaluation, no write.
  await app.coordinator.sweep();
  expect(statements).toEqual(['gate.sweep']);
  expect(app.coordinator.evaluations()).toBe(evaluations);
  expect(await rows(intents[0] ?? '')).toEqual(before);
});

test('a vote judges the gate it is about in its own transaction, and makes nobody look again', async () => {
  const [one] = [await gated(), await gated()];
  const evaluations = app.coordinator.evaluations();
  const vote = { project: w.project, releaseIntentId: one, targetEnvironment: 'production' };
  await w.reviewer.policies.approveRelease(vote);
  expect((await stateOf(w, one)).stages[0]?.reason).toBe('awaiting approval: 1/2');
  await app.coordinator.idle();
  expect(app.coordinator.evaluations()).toBe(evaluations);
  await w.reviewerTwo.policies.approveRelease(vote);
  await ended(w, one);
});

test('a signal that was lost is made up for by the sweep', async () => {
  const intentId = await gated();
  for (const { userId, username } of [w.reviewer, w.reviewerTwo]) {
    // As if the server had died between the commit of the vote and its signal.
    await app.context.db.pool.query(
      `insert into approval_decisions (release_intent_id, target_environment, user_id, username, decision)
       values ($1, 'production', $2, $3, 'approved')`,
      [intentId, userId, username],
    );
  }
  await app.context.db.pool.query(
    'update release_intents set wanted_generation = wanted_generation + 1 where id = $1',
    [intentId],
  );
  expect((await stateOf(w, intentId)).steps).toEqual([]);
  await app.coordinator.sweep();
  await ended(w, intentId);
});

test('an intent that cannot be evaluated is tried again, but not without a pause', async () => {
  const intentId = await gated();
  const { pool } = app.context.db;
  await pool.query(`update release_intents set next_check_at = now() - interval '1 second' where id = $1`, [
    intentId,
  ]);
  await pool.query(
    `create function refused() returns trigger language plpgsql as $$ begin raise exception 'refused'; end $$`,
  );
  await pool.query('create trigger refused before update on release_intents execute function refused()');
  const other = await startTestApp({ config: { databaseUrl: app.databaseUrl } });
  try {
    await sleep(700);
    expect(other.coordinator.evaluations()).toBe(1);
    await pool.query('drop trigger refused on release_intents');
    await eventually(async () => (await rows(intentId))[0].next_check_at === null, 'the next try');
  } finally {
    await other.stop();
  }
});
