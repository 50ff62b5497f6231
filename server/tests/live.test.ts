import { randomBytes } from 'node:crypto';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { countPlaces } from '#server/features/deliveries/place-service.ts';
import { PolicyType } from '#server/gen/forest/v1/policies_pb.ts';
import {
  ComparisonDirection,
  PipelineRunStageStatus,
  ReleaseIntentStatus,
} from '#server/gen/forest/v1/releases_pb.ts';
import { subjects } from '#server/signals/bus.ts';
import { deployStage, gatedRelease, planStage, soakPolicy, voteOn } from './gate-world.ts';
import { eventually, startTestApp } from './harness.ts';
import { expectRefusal } from './refusal.ts';
import { ended, type Person, stateOf, type World, world } from './world.ts';

/* The gate knows what is live: an older build replaces a newer one only when somebody asked for that knowingly. */

const app = await startTestApp();
afterAll(() => app.stop());
let w: World;
beforeEach(async () => {
  w = await world(app);
});

const build = (branch = 'main') => w.artifact(branch, randomBytes(20).toString('hex'));
const approve = (intentId: string, by: Person = w.reviewer) =>
  by.policies.approveRelease(voteOn(w, intentId));
const requirements = async (intentId: string) => {
  const asked = { project: w.project, releaseIntentId: intentId };
  const { environments } = await w.author.policies.getReleaseRequirements(asked);
  const [first] = environments;
  if (first === undefined) throw new Error('The release deploys nowhere');
  return first;
};
const kindsOf = async (releaseIntentId: string) => {
  const { organisation } = w;
  const { entries } = await w.author.policies.listHistory({ organisation, releaseIntentId });
  return entries.map(({ kind }) => kind);
};
const deploy = async (artifactId: string, environment = 'production') =>
  ended(w, await w.release(artifactId, [environment]));
const approved = async (artifactId: string) => {
  const intentId = await gatedRelease(w, artifactId);
  await approve(intentId);
  await ended(w, intentId);
  return intentId;
};

test('a waiting older build ends as superseded when a newer one of its branch goes live', async () => {
  await w.approvalPolicy(1);
  const [older, newer] = [await build(), await build()];
  const waiting = await gatedRelease(w, older.artifactId);
  const live = await approved(newer.artifactId);
  const state = await ended(w, waiting, ReleaseIntentStatus.CANCELLED);
  expect(state).toMatchObject({ supersededBySlug: newer.slug, supersededByIntentId: live, steps: [] });
  expect(state.stages[0]).toMatchObject({
    errorMessage: `superseded by ${newer.slug}`,
    supersededBySlug: newer.slug,
  });
  await expectRefusal('FailedPrecondition', approve(waiting));
});

test('an approved older release does not undo a newer build when its wait ends', async () => {
  await w.approvalPolicy(1);
  await w.pipeline(
    'nightly',
    { id: 'wait', config: { case: 'wait', value: { durationSeconds: 3_600n } } },
    deployStage('production', 'production', 'wait'),
  );
  const [regular, hotfix] = [await build(), await build()];
  const waiting = await w.release(regular.artifactId, { usePipeline: true });
  await approve(waiting);
  await approved(hotfix.artifactId);
  // The wait ends.
  const { bus, db } = app.context;
  await db.pool.query(`update stages set wait_until = now() where release_intent_id = $1 and id = 'wait'`, [
    waiting,
  ]);
  await db.pool.query(
    'update release_intents set next_check_at = now(), wanted_generation = wanted_generation + 1 where id = $1',
    [waiting],
  );
  bus.publish(subjects.intentEvaluate, waiting);
  const state = await ended(w, waiting, ReleaseIntentStatus.CANCELLED);
  expect(state.supersededBySlug).toBe(hotfix.slug);
  expect(state.steps).toEqual([]);
});

test('a newer build of another branch cancels nothing, but asks for the approvals again', async () => {
  await w.approvalPolicy(2);
  const [older, hotfix] = [await build('main'), await build('release/1.9')];
  const waiting = await gatedRelease(w, older.artifactId);
  await approve(waiting);
  const other = await gatedRelease(w, hotfix.artifactId);
  await approve(other);
  await approve(other, w.reviewerTwo);
  await ended(w, other);
  const reason = `given before ${hotfix.slug} of another branch, release/1.9, went live`;
  await eventually(async () => {
    const { evaluations, direction } = await requirements(waiting);
    const state = evaluations[0]?.approvalState;
    return (
      direction === ComparisonDirection.OLDER &&
      state?.currentApprovals === 0 &&
      state.decisions[0]?.notCountedReason === reason
    );
  }, 'the approval to count no longer');
  await approve(waiting, w.reviewerTwo);
  const { state } = await approve(waiting);
  expect(state?.currentApprovals).toBe(2);
  await ended(w, waiting);
});

test('a rollback holds newer builds until somebody lets them through', async () => {
  const [first, second, third] = [await build(), await build(), await build()];
  await deploy(first.artifactId);
  await deploy(second.artifactId);
  await w.approvalPolicy(1);
  const early = await gatedRelease(w, third.artifactId);
  const rollback = await gatedRelease(w, first.artifactId);
  expect(await requirements(rollback)).toMatchObject({
    direction: ComparisonDirection.ROLLBACK,
    live: [{ slug: second.slug }],
  });
  await approve(rollback);
  await ended(w, rollback);
  const held = await requirements(early);
  expect(held.evaluations[0]).toMatchObject({
    policyType: PolicyType.HOLD,
    passed: false,
    reason: `on hold since ${w.author.username} rolled back to ${first.slug}`,
  });
  expect(held.canEndHold).toMatchObject({ allowed: true });
  expect((await countPlaces(app.context.db)).held).toBeGreaterThan(0);
  await approve(early);
  await ended(w, early);
  // A newer build that is live again ends the hold, which is recorded.
  await eventually(async () => (await kindsOf(early)).includes('hold.ended'), 'the end of the hold');
  expect((await requirements(early)).canEndHold).toMatchObject({ allowed: false });
});

test('a build that is newer only than the last rollback leaves the hold of an earlier one', async () => {
  const [first, second, third, fourth, fifth] = [
    ...[await build(), await build(), await build()],
    ...[await build(), await build()],
  ] as const;
  for (const { artifactId } of [first, third, fourth]) await deploy(artifactId);
  await w.approvalPolicy(1);
  const early = await gatedRelease(w, fifth.artifactId);
  await approved(third.artifactId);
  await approved(first.artifactId);
  await approved(second.artifactId);
  expect((await requirements(early)).evaluations[0]).toMatchObject({
    policyType: PolicyType.HOLD,
    passed: false,
    reason: `on hold since ${w.author.username} rolled back to ${third.slug}`,
  });
});

test('approvals from before a rollback no longer count, and any member can end the hold with a comment', async () => {
  const [first, second, third] = [await build(), await build(), await build()];
  await deploy(first.artifactId);
  await deploy(second.artifactId);
  await w.approvalPolicy(2);
  const early = await gatedRelease(w, third.artifactId);
  await approve(early);
  const rollback = await gatedRelease(w, first.artifactId);
  await approve(rollback);
  await approve(rollback, w.reviewerTwo);
  await ended(w, rollback);
  const { evaluations } = await requirements(early);
  expect(evaluations[1]?.approvalState).toMatchObject({
    currentApprovals: 0,
    decisions: [{ counted: false, notCountedReason: 'given before production was rolled back' }],
  });
  const hold = { project: w.project, environment: 'production' };
  await expectRefusal('InvalidArgument', w.reviewer.releases.endHold({ ...hold, comment: '\u200b' }));
  await w.reviewer.releases.endHold({ ...hold, comment: 'the fault is fixed' });
  await expectRefusal('FailedPrecondition', w.reviewer.releases.endHold({ ...hold, comment: 'again' }));
  const { entries } = await w.author.policies.listHistory({
    organisation: w.organisation,
    kind: 'hold.ended',
  });
  expect(entries[0]).toMatchObject({ actorUsername: w.reviewer.username, subject: 'production' });
  expect((await requirements(early)).evaluations.map(({ policyType }) => policyType)).toEqual([
    PolicyType.EXTERNAL_APPROVAL,
  ]);
});

test('soak needs the build to stay: a replaced build has not soaked', async () => {
  await soakPolicy(w, 2);
  const [replaced, staying] = [await build(), await build()];
  await deploy(replaced.artifactId, 'staging');
  await deploy(staying.artifactId, 'staging');
  const waiting = await w.release(replaced.artifactId, ['production']);
  const reason = new RegExp(`^replaced by ${staying.slug} after .* of 2s in staging \\(eu\\)$`);
  await eventually(
    async () => reason.test((await stateOf(w, waiting)).stages[0]?.reason ?? ''),
    'the stage to say what replaced the build',
  );
  await deploy(staying.artifactId);
  const state = await ended(w, waiting, ReleaseIntentStatus.CANCELLED);
  expect(state.steps).toEqual([]);
});

test('a soak that lets newer builds count goes on when one is deployed', async () => {
  await w.admin.policies.createPolicy({
    project: w.project,
    name: 'soak',
    policyType: PolicyType.SOAK_TIME,
    config: {
      case: 'soakTime',
      value: {
        sourceEnvironment: 'staging',
        targetEnvironment: 'production',
        durationSeconds: 2n,
        newerBuildsCount: true,
      },
    },
  });
  const [older, newer] = [await build(), await build()];
  await deploy(older.artifactId, 'staging');
  await deploy(newer.artifactId, 'staging');
  await ended(w, await w.release(older.artifactId, ['production']));
});

test('a plan that is out of date is made again, and its equal output keeps the approval', async () => {
  await w.approvalPolicy(1);
  await w.pipeline(
    'planned',
    planStage('plan', 'production'),
    deployStage('production', 'production', 'plan'),
  );
  const [older, planned] = [await build('release/2'), await build()];
  const intentId = await w.release(planned.artifactId, { usePipeline: true });
  const plan = { releaseIntentId: intentId, stageId: 'plan' };
  const waits = (index: number) =>
    eventually(async () => {
      const stage = (await stateOf(w, intentId)).stages[index];
      return stage?.status === PipelineRunStageStatus.AWAITING_APPROVAL;
    }, `stage ${index} to wait for approval`);
  await waits(0);
  await expectRefusal('FailedPrecondition', w.reviewer.releases.planAgain(plan));
  await w.reviewer.releases.approvePlanStage(plan);
  await waits(1);
  await approved(older.artifactId);
  await approve(intentId);
  const state = await ended(w, intentId);
  expect(state.stages[0]).toMatchObject({ planRun: 2 });
});

test('any member can have a plan made again that is out of date', async () => {
  await w.pipeline(
    'planned',
    planStage('plan', 'production'),
    deployStage('production', 'production', 'plan'),
  );
  const [older, planned] = [await build(), await build()];
  const intentId = await w.release(planned.artifactId, { usePipeline: true });
  const plan = { releaseIntentId: intentId, stageId: 'plan' };
  const waits = (run: number) =>
    eventually(async () => {
      const [stage] = (await stateOf(w, intentId)).stages;
      return stage?.status === PipelineRunStageStatus.AWAITING_APPROVAL && stage.planRun === run;
    }, `run ${run} of the plan to wait for approval`);
  await waits(1);
  await deploy(older.artifactId);
  await w.reviewer.releases.planAgain(plan);
  await waits(2);
  expect(await kindsOf(intentId)).toContain('plan.repeated');
});

test('a stage whose destinations run the build already succeeds without a deployment', async () => {
  await w.pipeline('twice', deployStage('first', 'staging'), deployStage('second', 'staging', 'first'));
  const { artifactId } = await build();
  const state = await ended(w, await w.release(artifactId, { usePipeline: true }));
  expect(state.stages.map(({ alreadyLive }) => alreadyLive)).toEqual([false, true]);
  expect(state.steps).toHaveLength(1);
});

test('the database refuses a start by older rules, and their evaluations do not count as seen', async () => {
  await w.approvalPolicy(1);
  const intentId = await gatedRelease(w);
  const { pool } = app.context.db;
  await pool.query('update release_intents set wanted_generation = wanted_generation + 1 where id = $1', [
    intentId,
  ]);
  await pool.query('update release_intents set seen_generation = wanted_generation where id = $1', [
    intentId,
  ]);
  const { rows } = await pool.query(
    'select seen_generation < wanted_generation as behind from release_intents where id = $1',
    [intentId],
  );
  expect(rows).toEqual([{ behind: true }]);
  await pool.query(
    `insert into releases (id, release_intent_id, stage_id, project_id, artifact_id, destination_id, destination_name,
                           environment, mode, queued_at)
     select gen_random_uuid(), i.id, 'production', i.project_id, i.artifact_id, d.id, d.name, 'production', 'deploy', now()
       from release_intents i, destinations d where i.id = $1 and d.name = 'eu-west'
      limit 1`,
    [intentId],
  );
  const start = "update releases set status = 'ASSIGNED' where release_intent_id = $1";
  await expect(pool.query(start, [intentId])).rejects.toThrow('cannot be started by older rules of the gate');
});

test('a policy with a key that this version does not know blocks', async () => {
  const name = await w.approvalPolicy(1);
  const intentId = await gatedRelease(w);
  await app.context.db.pool.query(
    `update policies set config = config || '{"moonPhase": "full"}' where name = $1`,
    [name],
  );
  await approve(intentId).catch(() => undefined);
  const { evaluations } = await requirements(intentId);
  expect(evaluations[0]).toMatchObject({
    passed: false,
    reason: 'this policy cannot be read: this version does not know "moonPhase"',
  });
});
