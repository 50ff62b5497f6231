import { afterAll, expect, test } from 'vitest';
import { PendingKind } from '#server/gen/forest/v1/policies_pb.ts';
import { ComparisonDirection } from '#server/gen/forest/v1/releases_pb.ts';
import { gatedRelease, planStage, stageWaits, voteOn } from './gate-world.ts';
import { eventually, startTestApp } from './harness.ts';
import { ended, type Person, type World, world } from './world.ts';

const app = await startTestApp();
afterAll(() => app.stop());

const listed = async (by: Person) => (await by.policies.listPendingApprovals({})).approvals;
const rowOf = async (by: Person, intentId: string) =>
  (await listed(by)).find(({ releaseIntentId }) => releaseIntentId === intentId);

/** A new build of a commit of its own. */
async function build(w: World, version: string, branch = 'main') {
  const commitSha = version.replace(/\D/g, '').padEnd(40, '0');
  const { artifact } = await w.author.releases.annotateRelease({
    project: w.project,
    context: { title: 'Merge branch develop' },
    ref: { commitSha, branch, version },
  });
  return { artifactId: artifact?.artifactId ?? '', slug: artifact?.slug ?? '', commitSha };
}

test('a row names the build, its stage, and what a colleague’s rejection says', async () => {
  const w = await world(app);
  await w.approvalPolicy(1);
  const [first, second] = [await build(w, '7.1.0'), await build(w, '7.2.0', 'hotfix/x')];
  const intents = [await gatedRelease(w, first.artifactId), await gatedRelease(w, second.artifactId)];
  await w.reviewer.policies.rejectRelease({ ...voteOn(w, intents[0] ?? ''), comment: 'DATA LOSS' });

  const answer = await w.reviewerTwo.policies.listPendingApprovals({});
  expect(answer.total).toBe(2);
  expect(answer.organisations).toMatchObject([{ organisation: w.organisation, waiting: 2 }]);
  const common = {
    kind: PendingKind.APPROVAL,
    stageId: 'production',
    isRollback: false,
    environmentSortOrder: 1,
  };
  expect(answer.approvals).toMatchObject([
    {
      ...common,
      version: '7.1.0',
      branch: 'main',
      commitSha: first.commitSha,
      direction: ComparisonDirection.FIRST,
      rejections: [{ username: w.reviewer.username, decision: 'rejected', comment: 'DATA LOSS' }],
    },
    { ...common, version: '7.2.0', branch: 'hotfix/x', commitSha: second.commitSha, rejections: [] },
  ]);
  const [older, newer] = answer.approvals;
  expect(newer?.buildOrder).toBeGreaterThan(older?.buildOrder ?? 0n);
  // Who has voted has only the other one to look at.
  expect((await w.reviewer.policies.listPendingApprovals({})).total).toBe(1);
  await w.removeMember(w.reviewer);
  expect((await rowOf(w.reviewerTwo, intents[0] ?? ''))?.rejections).toEqual([]);
});

test('a row says how the build relates to what is live', async () => {
  const w = await world(app);
  const builds = [await build(w, '1.0.0'), await build(w, '1.1.0'), await build(w, '2.0.0')];
  const [first = '', second = '', third = ''] = builds.map(({ artifactId }) => artifactId);
  await ended(w, await w.release(first, ['production']));
  await ended(w, await w.release(third, ['production']));
  const live = builds[2]?.slug;
  const newest = await build(w, '3.0.0');
  await w.approvalPolicy(1);

  const directionOf = async (artifactId: string) => {
    const intentId = await gatedRelease(w, artifactId);
    const row = await rowOf(w.reviewer, intentId);
    const { direction, isRollback, replacesSlug } = row ?? {};
    expect(replacesSlug).toBe(live);
    expect(row?.live).toMatchObject([{ slug: live, version: '2.0.0', since: expect.stringMatching(/Z$/) }]);
    return [direction, isRollback];
  };
  expect(await directionOf(first)).toEqual([ComparisonDirection.ROLLBACK, true]);
  expect(await directionOf(second)).toEqual([ComparisonDirection.OLDER, true]);
  expect(await directionOf(newest.artifactId)).toEqual([ComparisonDirection.FORWARD, false]);
});

test('a plan waits for those who may judge it, until somebody has', async () => {
  const w = await world(app);
  await w.pipeline('planned', planStage('plan', 'production'));
  const { artifactId } = await build(w, '1.0.0');
  const intentId = await w.release(artifactId, { usePipeline: true, pipeline: 'planned' });
  const plan = await eventually(() => rowOf(w.reviewer, intentId), 'the plan in the list');
  expect(plan).toMatchObject({
    kind: PendingKind.PLAN,
    stageId: 'plan',
    environment: 'production',
    requiredApprovals: 1,
    currentApprovals: 0,
  });
  expect(await rowOf(w.author, intentId)).toBeUndefined();
  await w.reviewerTwo.releases.approvePlanStage({ releaseIntentId: intentId, stageId: 'plan' });
  expect(await rowOf(w.reviewer, intentId)).toBeUndefined();
});

test('a release waits again for who approved it before a rollback', async () => {
  const w = await world(app);
  const [old, live, next] = [await build(w, '1.0.0'), await build(w, '2.0.0'), await build(w, '3.0.0')];
  await ended(w, await w.release(old.artifactId, ['production']));
  await ended(w, await w.release(live.artifactId, ['production']));
  await w.approvalPolicy(2);
  const waiting = await gatedRelease(w, next.artifactId);
  await w.reviewer.policies.approveRelease(voteOn(w, waiting));
  expect(await rowOf(w.reviewer, waiting)).toBeUndefined();

  const back = await w.release(old.artifactId, ['production']);
  await stageWaits(w, back);
  for (const voter of [w.reviewer, w.reviewerTwo]) await voter.policies.approveRelease(voteOn(w, back));
  await ended(w, back);
  expect(await rowOf(w.reviewer, waiting)).toMatchObject({ currentApprovals: 0, requiredApprovals: 2 });
});
