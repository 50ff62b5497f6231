import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import { type World, world } from './world.ts';

let app: TestApp;
let w: World;
beforeAll(async () => {
  app = await startTestApp();
  w = await world(app);
});
afterAll(() => app.stop());

test('the record of a vote keeps what the voter saw, whatever becomes of the rules', async () => {
  const name = await w.approvalPolicy(2);
  const { artifactId, slug } = await w.artifact('main');
  const releaseIntentId = await w.release(artifactId, ['production']);
  const vote = { project: w.project, releaseIntentId, targetEnvironment: 'production' };
  await w.reviewer.policies.approveRelease({ ...vote, comment: 'looks right' });
  const config = { targetEnvironment: 'production', requiredApprovals: 3 };
  await w.admin.policies.updatePolicy({
    project: w.project,
    name,
    config: { case: 'approval', value: config },
  });
  await w.reviewerTwo.policies.rejectRelease({ ...vote, comment: 'not yet' });
  await w.reviewerTwo.policies.approveRelease(vote);
  await w.admin.policies.deletePolicy({ project: w.project, name });

  const { entries } = await w.reviewer.policies.listHistory({
    organisation: w.organisation,
    releaseIntentId,
  });
  const votes = entries.filter(({ kind }) => kind.startsWith('approval.')).toReversed();
  const artifact = { id: artifactId, slug, commit: 'a'.repeat(40), branch: 'main', version: null };
  const policy = (requiredApprovals: number, before: number, after: number) => ({
    name,
    config: { type: 'approval', targetEnvironment: 'production', requiredApprovals },
    before: { passed: false, reason: `awaiting approval: ${before}/${requiredApprovals}` },
    after: { passed: false, reason: `awaiting approval: ${after}/${requiredApprovals}` },
  });
  const saw = (required: number, before: number, after: number) => ({
    artifact,
    authors: [w.author.username],
    policies: [policy(required, before, after)],
    approvals: { before, after },
  });
  expect(votes.map(({ kind, after }) => ({ kind, ...after }))).toEqual([
    {
      kind: 'approval.approved',
      environment: 'production',
      decision: 'approved',
      bypass: false,
      comment: 'looks right',
      saw: saw(2, 0, 1),
    },
    {
      kind: 'approval.rejected',
      environment: 'production',
      decision: 'rejected',
      bypass: false,
      comment: 'not yet',
      saw: saw(3, 1, 1),
    },
    {
      kind: 'approval.approved',
      environment: 'production',
      decision: 'approved',
      bypass: false,
      comment: null,
      saw: saw(3, 1, 2),
    },
  ]);
  // The earlier vote in `before` says what it said, and no more.
  expect(votes[2]?.before).toEqual({
    environment: 'production',
    decision: 'rejected',
    bypass: false,
    comment: 'not yet',
  });
});

test('the record of a verdict on a plan keeps which build and which plan it was on', async () => {
  await w.admin.pipelines.createReleasePipeline({
    project: w.project,
    name: 'planned',
    stages: [{ id: 'look', config: { case: 'plan', value: { environment: 'production' } } }],
  });
  const { artifactId, slug } = await w.artifact('main');
  const { intents } = await w.author.releases.release({ artifactId, usePipeline: true, pipeline: 'planned' });
  const plan = { releaseIntentId: intents[0]?.releaseIntentId ?? '', stageId: 'look' };
  await eventually(
    async () => w.reviewer.releases.approvePlanStage(plan).catch(() => false as const),
    'a plan',
  );
  const { outputs } = await w.reviewer.releases.getPlanOutput(plan);
  expect(outputs.map(({ destinationName }) => destinationName)).toEqual(['eu-west', 'us-east']);
  const { entries } = await w.reviewer.policies.listHistory({
    organisation: w.organisation,
    releaseIntentId: plan.releaseIntentId,
    kind: 'plan.approved',
  });
  expect(entries[0]?.after?.['saw']).toEqual({
    artifact: { id: artifactId, slug, commit: 'a'.repeat(40), branch: 'main', version: null },
    authors: [w.author.username],
    plans: outputs.map(({ destinationName: destination, planOutput }) => ({
      destination,
      status: 'SUCCEEDED',
      sha256: createHash('sha256')
        .update(planOutput ?? '')
        .digest('hex'),
    })),
  });
});
