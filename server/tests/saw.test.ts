import { createHash } from 'node:crypto';
import { afterAll, expect, test } from 'vitest';
import { planStage, requireApprovals, voteOn } from './gate-world.ts';
import { eventually, startTestApp } from './harness.ts';
import { world } from './world.ts';

const app = await startTestApp();
afterAll(() => app.stop());
const w = await world(app);

test('the history keeps what a voter saw, also when policies change later', async () => {
  const name = await w.approvalPolicy(2);
  const { artifactId, slug } = await w.artifact('main');
  const releaseIntentId = await w.release(artifactId, ['production']);
  const vote = voteOn(w, releaseIntentId);
  await w.reviewer.policies.approveRelease({ ...vote, comment: 'looks right' });
  // The same vote again is not recorded.
  await w.reviewer.policies.approveRelease({ ...vote, comment: 'looks right' });
  await requireApprovals(w, name, 3);
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
  const ballot = (decision: string, comment: string | null) => ({
    environment: 'production',
    decision,
    bypass: false,
    comment,
  });
  expect(votes.map(({ kind, after }) => ({ kind, ...after }))).toEqual([
    { kind: 'approval.approved', ...ballot('approved', 'looks right'), saw: saw(2, 0, 1) },
    { kind: 'approval.rejected', ...ballot('rejected', 'not yet'), saw: saw(3, 1, 1) },
    { kind: 'approval.approved', ...ballot('approved', null), saw: saw(3, 1, 2) },
  ]);
  expect(votes[2]?.before).toEqual(ballot('rejected', 'not yet'));
});

test('the history of a plan verdict keeps the build and the digests of the plans', async () => {
  await w.pipeline('planned', planStage('look', 'production'));
  const { artifactId, slug } = await w.artifact('main');
  const plan = { releaseIntentId: await w.release(artifactId, { usePipeline: true }), stageId: 'look' };
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
  expect(entries[0]).toMatchObject({ actorUserId: w.reviewer.userId, credentialKind: 'access' });
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
