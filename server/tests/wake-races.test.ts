import { setTimeout as sleep } from 'node:timers/promises';
import type { PoolClient } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PolicyType } from '#server/gen/forest/v1/policies_pb.ts';
import { PipelineRunStageStatus } from '#server/gen/forest/v1/releases_pb.ts';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import { ended, stateOf, type World, world } from './world.ts';

/*
 * A fact that changes while a release is being asked for: the release is not there yet to be woken by the change, and may
 * be judged by the facts from before it. The sweep reads only what is known to be behind, so it must not be forgotten.
 */

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ config: { databasePoolSize: 16 } });
});
afterAll(() => app.stop());

/** Holds what `sql` locks until the returned function is called. */
async function holding(sql: string, ...values: unknown[]): Promise<() => Promise<void>> {
  const client: PoolClient = await app.context.db.pool.connect();
  await client.query('begin');
  await client.query(sql, values);
  return async () => {
    await client.query('commit');
    client.release();
  };
}

const waits = (w: World, intentId: string, status: PipelineRunStageStatus) =>
  eventually(async () => (await stateOf(w, intentId)).stages[0]?.status === status, 'the stage to wait');

const LOCK_INTENT = 'select 1 from release_intents where id = $1 for no key update';

describe('a release that is asked for while a fact changes', () => {
  test('meets a policy that is being switched off', async () => {
    const w = await world(app);
    const name = await w.approvalPolicy(1);
    const first = await w.release((await w.artifact()).artifactId, ['production']);
    await waits(w, first, PipelineRunStageStatus.AWAITING_APPROVAL);
    const { artifactId } = await w.artifact();

    // The change gets stuck while it wakes the first release; meanwhile the second is asked for.
    const letGo = await holding(LOCK_INTENT, first);
    const change = w.admin.policies.updatePolicy({ project: w.project, name, enabled: false });
    await sleep(200);
    const second = w.release(artifactId, ['production']);
    await sleep(300);
    await letGo();
    await change;
    await ended(w, await second);
    await ended(w, first);
  });

  test('meets a destination that is being removed from where it soaks', async () => {
    const w = await world(app);
    const { organisation, project } = w;
    const type = { organisation: 'forage', name: 'noop', version: 1n };
    const { artifactId } = await w.artifact();
    await ended(w, await w.release(artifactId, ['staging']));
    await w.admin.destinations.createDestination({
      organisation,
      name: 'late',
      environment: 'staging',
      type,
    });
    await w.admin.policies.createPolicy({
      project,
      name: 'soaked',
      policyType: PolicyType.SOAK_TIME,
      config: {
        case: 'soakTime',
        value: { sourceEnvironment: 'staging', targetEnvironment: 'production', durationSeconds: 1n },
      },
    });
    const other = await w.release((await w.artifact()).artifactId, ['production']);
    await waits(w, other, PipelineRunStageStatus.PENDING);

    const letGo = await holding(LOCK_INTENT, other);
    const change = w.admin.destinations.deleteDestination({ organisation, name: 'late' });
    await sleep(200);
    const intentId = w.release(artifactId, ['production']);
    await sleep(300);
    await letGo();
    await change;
    await ended(w, await intentId);
  });

  test('meets the end of a deployment that it soaks after', async () => {
    const w = await world(app);
    await w.admin.policies.createPolicy({
      project: w.project,
      name: 'soaked',
      policyType: PolicyType.SOAK_TIME,
      config: {
        case: 'soakTime',
        value: { sourceEnvironment: 'staging', targetEnvironment: 'production', durationSeconds: 1n },
      },
    });
    const { artifactId } = await w.artifact();
    const first = await w.release(artifactId, ['production']);
    await waits(w, first, PipelineRunStageStatus.PENDING);
    const letGo = await holding(LOCK_INTENT, first);
    // Its end gets stuck, because the first release is one that it has to wake.
    const staged = await w.release(artifactId, ['staging']);
    await sleep(300);
    const second = w.release(artifactId, ['production']);
    await sleep(300);
    await letGo();
    await ended(w, staged);
    await ended(w, await second);
  });
});

test.each(['update', 'delete'] as const)(
  'a vote and the %s of its policy do not wait for each other',
  async (deed) => {
    const w = await world(app);
    const name = await w.approvalPolicy(2);
    const intentId = await w.release((await w.artifact()).artifactId, ['production']);
    await waits(w, intentId, PipelineRunStageStatus.AWAITING_APPROVAL);
    // A vote on its way: it holds its intent, and comes to refer to the policy.
    const vote = await app.context.db.pool.connect();
    await vote.query('begin');
    await vote.query(LOCK_INTENT, [intentId]);
    const change =
      deed === 'update'
        ? w.admin.policies.updatePolicy({ project: w.project, name, enabled: false })
        : w.admin.policies.deletePolicy({ project: w.project, name });
    await sleep(200);
    await vote.query(`set local lock_timeout = '500ms'`);
    await vote.query(
      `insert into approval_decisions (release_intent_id, policy_id, target_environment, user_id, username, decision)
       select $1, id, 'production', $2, 'reviewer', 'approved' from policies where name = $3`,
      [intentId, w.reviewer.userId, name],
    );
    await vote.query('commit');
    vote.release();
    await change;
    await ended(w, intentId);
    const { rows } = await app.context.db.pool.query(
      'select 1 from approval_decisions where release_intent_id = $1',
      [intentId],
    );
    expect(rows).toHaveLength(1);
  },
);
