import { afterAll, beforeEach, expect, test } from 'vitest';
import { PipelineRunStageStatus, ReleaseIntentStatus } from '#server/gen/forest/v1/releases_pb.ts';
import { deployStage, gatedRelease, planStage, soakPolicy, stageWaits, voteOn } from './gate-world.ts';
import { startTestApp } from './harness.ts';
import { ended, type Person, type World, world } from './world.ts';

/* Lists of releases show what people decided, without the requirements of each release. */

const app = await startTestApp();
afterAll(() => app.stop());
let w: World;
beforeEach(async () => {
  w = await world(app);
});

/** What the list of builds shows of the only stage of the only build. */
async function listed() {
  const { artifact } = await w.author.releases.getArtifactsByProject({ project: w.project });
  const { rejectedBy, bypassedBy } = artifact[0]?.latestIntent?.stages[0] ?? {};
  return { rejectedBy, bypassedBy };
}
const requirementsOf = (intentId: string, by: Person = w.author) =>
  by.policies.getReleaseRequirements({ project: w.project, releaseIntentId: intentId });
const nothing = { rejectedBy: [], bypassedBy: undefined };

test('names who rejected a release while it waits and their votes count', async () => {
  await w.approvalPolicy(2);
  const intentId = await gatedRelease(w);
  const vote = voteOn(w, intentId);
  expect(await listed()).toEqual(nothing);
  await w.reviewer.policies.rejectRelease(vote);
  await w.reviewerTwo.policies.rejectRelease(vote);
  const both = [w.reviewer.username, w.reviewerTwo.username];
  expect(await listed()).toEqual({ ...nothing, rejectedBy: both });
  const { intent } = await requirementsOf(intentId);
  expect(intent?.stages[0]?.rejectedBy).toEqual(both);

  await w.reviewer.policies.approveRelease(vote);
  await w.removeMember(w.reviewerTwo);
  expect(await listed()).toEqual(nothing);

  await w.reviewer.policies.rejectRelease(vote);
  await w.author.releases.cancelRelease({ releaseIntentId: intentId });
  expect(await listed()).toEqual(nothing);
});

test('names who bypassed while it counts, and for ever once it has opened the gate', async () => {
  await w.approvalPolicy(1);
  const { policy } = await soakPolicy(w, 3_600);
  const intentId = await gatedRelease(w);
  const bypass = { ...voteOn(w, intentId), forceBypass: true, comment: 'outage' };
  await w.setRole(w.reviewer, 'admin');
  await w.reviewer.policies.approveRelease(bypass);
  expect(await listed()).toEqual({ ...nothing, bypassedBy: w.reviewer.username });
  await w.setRole(w.reviewer, 'member');
  expect(await listed()).toEqual(nothing);
  // A bypass counts only while its user has been an admin without interruption.
  await w.setRole(w.reviewer, 'admin');
  expect(await listed()).toEqual(nothing);

  await w.admin.policies.approveRelease(bypass);
  await w.admin.policies.deletePolicy({ project: w.project, name: policy?.name ?? '' });
  await ended(w, intentId);
  expect(await listed()).toEqual({ ...nothing, bypassedBy: w.admin.username });
  await w.setRole(w.admin, 'member');
  expect(await listed()).toEqual({ ...nothing, bypassedBy: w.admin.username });

  // Also where the build is shown by a later release to another environment.
  const { artifact: before } = await w.author.releases.getArtifactsByProject({ project: w.project });
  await ended(w, await w.release(before[0]?.artifactId ?? '', ['staging']));
  const { artifact } = await w.author.releases.getArtifactsByProject({ project: w.project });
  expect(artifact[0]?.destinations.map((one) => [one.environment, one.bypassedBy]).sort()).toEqual([
    ['production', w.admin.username],
    ['production', w.admin.username],
    ['staging', undefined],
  ]);
});

test('shows the verdicts of the time at which the gate opened, and says when that was', async () => {
  await w.approvalPolicy(1);
  const intentId = await gatedRelease(w);
  expect((await requirementsOf(intentId)).environments[0]?.openedAt).toBeUndefined();
  await w.reviewer.policies.approveRelease(voteOn(w, intentId));
  await ended(w, intentId);
  await soakPolicy(w, 3_600);
  const { environments, intent } = await requirementsOf(intentId);
  expect(environments[0]).toMatchObject({ openedAt: intent?.stages[0]?.startedAt, evaluations: [{}] });
  expect(environments[0]?.openedAt).toBeDefined();
});

test('says who can retry a failed plan', async () => {
  const { organisation } = w;
  await w.admin.environments.createEnvironment({ organisation, name: 'rig', sortOrder: 9 });
  await w.destination('broken', 'rig', { fail: 'true' });
  await w.pipeline('planned', planStage('plan', 'rig'), deployStage('rig', 'rig', 'plan'));
  const { artifactId } = await w.artifact();
  const intentId = await w.release(artifactId, { usePipeline: true });
  await ended(w, intentId, ReleaseIntentStatus.FAILED);
  const canRetry = async (by: Person) =>
    (await requirementsOf(intentId, by)).intent?.stages.map((stage) => stage.canRetry);
  expect(await canRetry(w.author)).toEqual([true, false]);
  expect(await canRetry(w.admin)).toEqual([true, false]);
  expect(await canRetry(w.reviewer)).toEqual([false, false]);
  await w.admin.destinations.updateDestination({ organisation, name: 'broken', metadata: { fail: 'false' } });
  await w.author.releases.retryStage({ releaseIntentId: intentId, stageId: 'plan' });
  await stageWaits(w, intentId, PipelineRunStageStatus.AWAITING_APPROVAL, 'rig');
  await w.reviewer.releases.approvePlanStage({ releaseIntentId: intentId, stageId: 'plan' });
  await ended(w, intentId);
});
