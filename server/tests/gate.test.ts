import { afterAll, expect, test } from 'vitest';
import { PolicyService } from '#server/gen/forest/v1/policies_pb.ts';
import { PipelineRunStageStatus, ReleaseIntentStatus } from '#server/gen/forest/v1/releases_pb.ts';
import { gatedRelease, requireApprovals, soakPolicy, voteOn } from './gate-world.ts';
import { eventually, startTestApp } from './harness.ts';
import { expectRefusal } from './refusal.ts';
import { ended, type Person, person, stateOf, type World, world } from './world.ts';

const app = await startTestApp();
afterAll(() => app.stop());
let w: World;

const production = (releaseIntentId: string) => voteOn(w, releaseIntentId);
const approve = (by: Person, intentId: string, comment = '') =>
  by.policies.approveRelease({ ...production(intentId), comment });
const steps = async (intentId: string) => (await stateOf(w, intentId)).steps;

async function waiting(required: number): Promise<string> {
  w = await world(app);
  await w.approvalPolicy(required);
  return gatedRelease(w);
}

test('the gate opens with the second of two approvals, once for each destination', async () => {
  const intentId = await waiting(2);
  const first = await approve(w.reviewer, intentId, 'looks good');
  expect(first.state).toMatchObject({ currentApprovals: 1, requiredApprovals: 2 });
  expect(first.state?.decisions[0]).toMatchObject({ username: w.reviewer.username, comment: 'looks good' });
  expect(await steps(intentId)).toEqual([]);
  const second = await approve(w.reviewerTwo, intentId);
  expect(second.state?.currentApprovals).toBe(2);
  const state = await ended(w, intentId);
  expect(state.steps.map((s) => [s.destinationName, s.status])).toEqual([
    ['eu-west', 'SUCCEEDED'],
    ['us-east', 'SUCCEEDED'],
  ]);
});

test('a vote answers the whole requirements as they are after it', async () => {
  const intentId = await waiting(3);
  const asked = { project: w.project, releaseIntentId: intentId };
  const votes = [
    () => approve(w.reviewer, intentId),
    () => w.reviewer.policies.rejectRelease(production(intentId)),
    // The same vote again, which changes nothing.
    () => w.reviewer.policies.rejectRelease(production(intentId)),
  ];
  for (const vote of votes) {
    const { state, requirements } = await vote();
    expect(requirements).toEqual(await w.reviewer.policies.getReleaseRequirements(asked));
    expect(requirements?.environments[0]?.evaluations[0]?.approvalState).toEqual(state);
  }
  const other = await w.admin.policies.getReleaseRequirements(asked);
  expect((await approve(w.reviewerTwo, intentId)).requirements?.revision).not.toBe(other.revision);
});

test('rejects a vote by the author; an admin who is the author may bypass', async () => {
  const intentId = await waiting(1);
  await expectRefusal(
    'PermissionDenied',
    approve(w.author, intentId),
    w.author.policies.rejectRelease(production(intentId)),
  );
  const byAdmin = await gatedRelease(w, undefined, w.admin);
  await expectRefusal('PermissionDenied', approve(w.admin, byAdmin));
  const bypass = { ...production(byAdmin), forceBypass: true };
  await expectRefusal('InvalidArgument', w.admin.policies.approveRelease({ ...bypass, comment: '  ' }));
  const { state } = await w.admin.policies.approveRelease({ ...bypass, comment: 'hotfix' });
  const bypassed = { bypassedBy: w.admin.username, bypassReason: 'hotfix' };
  expect(state).toMatchObject({ currentApprovals: 0, ...bypassed });
  await ended(w, byAdmin);
});

test.each(['current', 'deprecated'])(
  'the same user can change a rejection to an approval, by the %s methods',
  async (methods) => {
    const intentId = await waiting(1);
    const { policies } = w.reviewer;
    const [reject, approve, read] =
      methods === 'current'
        ? [policies.rejectRelease, policies.approveRelease, policies.getApprovalState]
        : [
            policies.externalRejectRelease,
            policies.externalApproveRelease,
            policies.getExternalApprovalState,
          ];
    await reject({ ...production(intentId), comment: 'not yet' });
    const { state } = await read(production(intentId));
    expect(state?.currentApprovals).toBe(0);
    expect(state?.decisions).toMatchObject([{ decision: 'rejected', comment: 'not yet', counted: true }]);
    expect((await stateOf(w, intentId)).status).toBe(ReleaseIntentStatus.ACTIVE);
    const changed = await approve(production(intentId));
    expect(changed.state?.decisions).toHaveLength(1);
    await ended(w, intentId);
  },
);

test('checks votes in the order of the table of decisions', async () => {
  const intentId = await waiting(1);
  const stranger = await person(app, 'stranger');
  const anonymous = app.client(PolicyService, {});
  const { policies } = w.reviewer;
  await w.admin.releases.createProject({ organisation: w.organisation, project: 'other' });
  const inProject = (project: string) => ({ ...production(intentId), project: { ...w.project, project } });
  // 1
  await expectRefusal('Unauthenticated', anonymous.approveRelease(production('not-a-uuid')));
  // 2
  const long = approve(w.reviewer, intentId, 'x'.repeat(2_001));
  await expectRefusal('InvalidArgument', policies.approveRelease(production('not-a-uuid')), long);
  // 3 and 4
  await expectRefusal(
    'NotFound',
    approve(stranger, intentId),
    policies.approveRelease(inProject('unknown')),
    approve(w.reviewer, '01890000-0000-7000-8000-000000000000'),
    policies.approveRelease(inProject('other')),
  );
  // 5 comes before 6
  const staging = { ...production(intentId), targetEnvironment: 'staging' };
  await expectRefusal('FailedPrecondition', policies.approveRelease(staging));
  // 6
  const ungated = { ...staging, releaseIntentId: await w.releaseNew(['staging']) };
  await expectRefusal('NotFound', policies.approveRelease(ungated));
  // 7, and 8 after it: the bypass of an ended stage by a member
  await approve(w.reviewer, intentId);
  await ended(w, intentId);
  const late = { ...production(intentId), forceBypass: true, comment: 'x' };
  await expectRefusal(
    'FailedPrecondition',
    approve(w.reviewerTwo, intentId),
    w.reviewerTwo.policies.approveRelease(late),
  );
});

test.each(['lowering', 'disabling', 'deleting'])('%s a policy opens waiting releases', async (how) => {
  const intentId = await waiting(2);
  const { policies } = await w.admin.policies.listPolicies({ project: w.project });
  const policy = { project: w.project, name: policies[0]?.name ?? '' };
  await approve(w.reviewer, intentId);
  if (how === 'lowering') await requireApprovals(w, policy.name, 1);
  else if (how === 'disabling') await w.admin.policies.updatePolicy({ ...policy, enabled: false });
  else await w.admin.policies.deletePolicy(policy);
  await ended(w, intentId);
});

test('a vote counts only while its user is a member, and outlives its policy', async () => {
  const intentId = await waiting(2);
  await approve(w.reviewer, intentId);
  await w.removeMember(w.reviewer);
  const { state } = await w.author.policies.getApprovalState(production(intentId));
  expect(state).toMatchObject({ currentApprovals: 0, decisions: [{ counted: false }] });
  await approve(w.reviewerTwo, intentId);
  expect(await steps(intentId)).toEqual([]);
  const { policies } = await w.admin.policies.listPolicies({ project: w.project });
  await w.approvalPolicy(2);
  await w.admin.policies.deletePolicy({ project: w.project, name: policies[0]?.name ?? '' });
  const kept = await w.author.policies.getApprovalState(production(intentId));
  expect(kept.state?.decisions).toHaveLength(2);
  // Somebody who joins again has to vote again.
  await w.addMember(w.reviewer);
  const again = await w.author.policies.getApprovalState(production(intentId));
  expect(again.state?.decisions.find(({ username }) => username === w.reviewer.username)).toMatchObject({
    counted: false,
    notCountedReason: 'given before they joined again',
  });
  expect(await steps(intentId)).toEqual([]);
  await approve(w.reviewer, intentId);
  await ended(w, intentId);
});

test('a bypass leaves soak times in force, and sets the timer that opens the gate after them', async () => {
  w = await world(app);
  await w.approvalPolicy(1);
  await soakPolicy(w, 3);
  const { artifactId } = await w.artifact();
  await ended(w, await w.release(artifactId, ['staging']));
  const intentId = await gatedRelease(w, artifactId);
  await w.admin.policies.approveRelease({ ...production(intentId), forceBypass: true, comment: 'now' });
  // The sweep of this app comes once a minute: only the timer opens the gate in time.
  await ended(w, intentId);
  const { rows } = await app.context.db.pool.query(
    "select max(completed_at) as at from releases where environment = 'staging' and artifact_id = $1",
    [artifactId],
  );
  const [step] = await steps(intentId);
  const soaked = new Date(step?.queuedAt ?? 0).getTime() - rows[0].at.getTime();
  expect(soaked).toBeGreaterThanOrEqual(3_000);
});

test('an unknown policy type blocks, with the reason', async () => {
  w = await world(app);
  await app.context.db.pool.query(
    `insert into policies (id, project_id, name, type, target_environment, config, created_at, updated_at)
     select gen_random_uuid(), p.id, 'odd', 'moon_phase', 'production', '{}', now(), now()
       from projects p join organisations o on o.id = p.organisation_id where o.name = $1`,
    [w.organisation],
  );
  const intentId = await w.releaseNew(['production']);
  const stage = await eventually(
    async () => (await stateOf(w, intentId)).stages.find((s) => s.reason),
    'a reason',
  );
  expect(stage.status).toBe(PipelineRunStageStatus.PENDING);
  expect(stage.reason).toMatch(/cannot be read/);
  expect(await steps(intentId)).toEqual([]);
});

test('ListPendingApprovals lists what waits for the caller, oldest first, in pages', async () => {
  const intents = [await waiting(2), await gatedRelease(w), await gatedRelease(w)];
  const list = async (by: Person) => {
    const first = await by.policies.listPendingApprovals({ pageSize: 2 });
    if (first.nextPageToken === '') return first.approvals;
    const rest = await by.policies.listPendingApprovals({ pageSize: 2, pageToken: first.nextPageToken });
    return [...first.approvals, ...rest.approvals];
  };
  const ids = async (by: Person) => (await list(by)).map(({ releaseIntentId }) => releaseIntentId);
  expect(await ids(w.reviewer)).toEqual(intents);
  expect(await ids(w.author)).toEqual([]);
  await approve(w.reviewer, intents[0] ?? '');
  expect(await ids(w.reviewer)).toEqual(intents.slice(1));
  const counts = { currentApprovals: 1, requiredApprovals: 2, environment: 'production' };
  expect((await list(w.reviewerTwo))[0]).toMatchObject(counts);
});
