import { afterAll, beforeEach, expect, test } from 'vitest';
import { PipelineRunStageStatus } from '#server/gen/forest/v1/releases_pb.ts';
import { gatedRelease, soakPolicy, stageWaits, voteOn } from './gate-world.ts';
import { startTestApp } from './harness.ts';
import { expectRefusal, refusal } from './refusal.ts';
import { ended, type Person, type World, world } from './world.ts';

const app = await startTestApp();
afterAll(() => app.stop());
let w: World;
beforeEach(async () => {
  w = await world(app);
});

/** What the person may do about production, and their vote. */
async function seenBy(by: Person, intentId: string) {
  const { environments } = await by.policies.getReleaseRequirements(voteOn(w, intentId));
  const { canWithdraw, myDecision } = environments[0] ?? {};
  return { canWithdraw: canWithdraw?.allowed, reason: canWithdraw?.reason, mine: myDecision?.decision };
}

test('takes back the own vote only, and says when there is none', async () => {
  await w.approvalPolicy(2);
  const intentId = await gatedRelease(w);
  const vote = voteOn(w, intentId);
  const none = 'You have no vote on production to withdraw';
  expect(await seenBy(w.reviewer, intentId)).toEqual({ canWithdraw: false, reason: none, mine: undefined });
  await w.reviewer.policies.approveRelease({ ...vote, comment: 'fine' });
  await w.admin.policies.rejectRelease(vote);
  expect(await seenBy(w.reviewer, intentId)).toEqual({ canWithdraw: true, reason: '', mine: 'approved' });

  const withdrawn = await w.reviewer.policies.withdrawVote(vote);
  expect(withdrawn.state).toMatchObject({ currentApprovals: 0, decisions: [{ username: w.admin.username }] });
  expect(withdrawn.requirements?.environments[0]?.myDecision).toBeUndefined();
  expect(await refusal(w.reviewer.policies.withdrawVote(vote))).toMatchObject({
    code: 'FailedPrecondition',
    message: none,
  });
  const { entries } = await w.admin.policies.listHistory({
    organisation: w.organisation,
    kind: 'approval.withdrawn',
  });
  expect(entries).toMatchObject([{ actorUsername: w.reviewer.username, releaseIntentId: intentId }]);
  expect(entries[0]?.before).toMatchObject({ decision: 'approved', comment: 'fine' });

  // The same vote again is given anew.
  const again = await w.reviewer.policies.approveRelease({ ...vote, comment: 'fine' });
  expect(again.state?.currentApprovals).toBe(1);
  expect((await w.admin.policies.withdrawVote(vote)).state?.decisions).toHaveLength(1);
});

test('closes a gate that a bypass held open, also for a former admin', async () => {
  await w.approvalPolicy(1);
  await soakPolicy(w, 3_600);
  const intentId = await w.release((await w.artifact()).artifactId, ['production']);
  await stageWaits(w, intentId);
  const vote = voteOn(w, intentId);
  await w.setRole(w.reviewer, 'admin');
  await w.reviewer.policies.approveRelease({ ...vote, forceBypass: true, comment: 'outage' });
  await stageWaits(w, intentId, PipelineRunStageStatus.PENDING);
  const { state } = await w.reviewer.policies.withdrawVote(vote);
  expect([state?.bypassedBy, state?.decisions]).toEqual([undefined, []]);
  await stageWaits(w, intentId);

  await w.reviewer.policies.approveRelease({ ...vote, forceBypass: true, comment: 'outage' });
  await w.setRole(w.reviewer, 'member');
  expect((await w.reviewer.policies.withdrawVote(vote)).state?.decisions).toEqual([]);
});

test('is refused once the deployment has ended, where nothing is deployed, and to others', async () => {
  await w.approvalPolicy(1);
  const intentId = await gatedRelease(w);
  const vote = voteOn(w, intentId);
  const stranger = (await world(app)).reviewer;
  const pipeline = await w.serviceAccount('ci');
  await expectRefusal('NotFound', stranger.policies.withdrawVote(vote));
  await expectRefusal('PermissionDenied', pipeline.policies.withdrawVote(vote));
  const { withdrawVote, approveRelease } = w.reviewer.policies;
  await expectRefusal('FailedPrecondition', withdrawVote({ ...vote, targetEnvironment: 'staging' }));
  await expectRefusal('InvalidArgument', withdrawVote({ ...vote, releaseIntentId: 'x' }));
  await approveRelease(vote);
  await ended(w, intentId);
  expect(await refusal(withdrawVote(vote))).toMatchObject({
    code: 'FailedPrecondition',
    message: 'The deployment to production has succeeded; votes no longer change it',
  });
  expect(await seenBy(w.reviewer, intentId)).toMatchObject({ canWithdraw: false, mine: 'approved' });
});
