import { afterAll, describe, expect, test } from 'vitest';
import { PipelineRunStageStatus } from '#server/gen/forest/v1/releases_pb.ts';
import { gatedRelease, soakPolicy, stageWaits } from './gate-world.ts';
import { startTestApp } from './harness.ts';
import { untilWaiting } from './in-turn.ts';
import { ended, world } from './world.ts';

/*
 * A fact that changes while a release is being requested: the release cannot be woken yet, and may have been evaluated with the
 * facts from before the change. The sweep reads only intents that are behind, so it must not be missed.
 */

const app = await startTestApp({ config: { databasePoolSize: 16 } });
afterAll(() => app.stop());

const LOCK_INTENT = 'select 1 from release_intents where id = $1 for no key update';

/** Holds the lock on an intent until the returned function is called. */
async function holding(intentId: string): Promise<() => Promise<void>> {
  const client = await app.context.db.pool.connect();
  await client.query('begin');
  await client.query(LOCK_INTENT, [intentId]);
  return async () => {
    await client.query('commit');
    client.release();
  };
}

describe('a release that is requested while a fact changes', () => {
  test('opens when a policy is being disabled', async () => {
    const w = await world(app);
    const name = await w.approvalPolicy(1);
    const first = await gatedRelease(w);
    const { artifactId } = await w.artifact();

    // The change waits for the first release, which it wakes; meanwhile the second is requested.
    const release = await holding(first);
    const change = w.admin.policies.updatePolicy({ project: w.project, name, enabled: false });
    await untilWaiting(app, 1);
    const second = w.release(artifactId, ['production']);
    await untilWaiting(app, 2);
    await release();
    await change;
    await ended(w, await second);
    await ended(w, first);
  });

  test('opens when a destination is being removed from the environment that it soaks in', async () => {
    const w = await world(app);
    const { organisation } = w;
    const { artifactId } = await w.artifact();
    await ended(w, await w.release(artifactId, ['staging']));
    await w.destination('late', 'staging');
    await soakPolicy(w, 1);
    const other = await w.releaseNew(['production']);
    await stageWaits(w, other, PipelineRunStageStatus.PENDING);

    const release = await holding(other);
    const change = w.admin.destinations.deleteDestination({ organisation, name: 'late' });
    await untilWaiting(app, 1);
    const intentId = w.release(artifactId, ['production']);
    await untilWaiting(app, 2);
    await release();
    await change;
    await ended(w, await intentId);
  });

  test('opens when the deployment that it soaks after is ending', async () => {
    const w = await world(app);
    await soakPolicy(w, 1);
    const { artifactId } = await w.artifact();
    const first = await w.release(artifactId, { destinations: ['eu-west'] });
    await stageWaits(w, first, PipelineRunStageStatus.PENDING);
    const release = await holding(first);
    // The end of the deployment waits for the first release, which it wakes.
    const staged = await w.release(artifactId, ['staging']);
    await untilWaiting(app, 1);
    const second = w.release(artifactId, { destinations: ['us-east'] });
    await untilWaiting(app, 2);
    await release();
    await ended(w, staged);
    await ended(w, await second);
  });
});

test.each(['update', 'delete'] as const)('a vote and the %s of its policy do not deadlock', async (how) => {
  const w = await world(app);
  const { project } = w;
  const name = await w.approvalPolicy(2);
  const intentId = await gatedRelease(w);
  // A vote under way: it holds its intent, and will refer to the policy.
  const vote = await app.context.db.pool.connect();
  await vote.query('begin');
  await vote.query(LOCK_INTENT, [intentId]);
  const change =
    how === 'update'
      ? w.admin.policies.updatePolicy({ project, name, enabled: false })
      : w.admin.policies.deletePolicy({ project, name });
  await untilWaiting(app, 1);
  await vote.query(
    `insert into approval_decisions (release_intent_id, policy_id, target_environment, user_id, username, decision)
     select $1, id, 'production', $2, 'reviewer', 'approved' from policies where name = $3`,
    [intentId, w.reviewer.userId, name],
  );
  await vote.query('commit');
  vote.release();
  await change;
  await ended(w, intentId);
  const { rowCount } = await app.context.db.pool.query(
    'select from approval_decisions where release_intent_id = $1',
    [intentId],
  );
  expect(rowCount).toBe(1);
});
