import { afterAll, expect, test } from 'vitest';
import { PolicyType, PolicyWarningKind } from '#server/gen/forest/v1/policies_pb.ts';
import { ComparisonDirection, PipelineRunStageStatus } from '#server/gen/forest/v1/releases_pb.ts';
import { branchPolicy, deployStage, gatedRelease, soakPolicy, voteOn } from './gate-world.ts';
import { startTestApp } from './harness.ts';
import { expectRefusal, refusal } from './refusal.ts';
import { ended, type Person, stateOf, type World, world } from './world.ts';

/* Why a release waits, who can supply what is missing, the effects of votes, and warnings. */

const statements: string[] = [];
const app = await startTestApp({ observeStatement: (name) => statements.push(name) });
afterAll(() => app.stop());

const requirements = (w: World, by: Person, releaseIntentId: string) =>
  by.policies.getReleaseRequirements({ project: w.project, releaseIntentId });
const production = async (w: World, by: Person, intentId: string) =>
  (await requirements(w, by, intentId)).environments[0];

test('missing approvals and eligible voters change with votes and memberships; at most 20 are named', async () => {
  const w = await world(app);
  await w.approvalPolicy(2);
  const intentId = await gatedRelease(w);
  const gate = async () => (await production(w, w.author, intentId))?.evaluations[0];
  const names = (...people: Person[]) => people.map(({ userId, username }) => ({ userId, username }));
  expect(await gate()).toMatchObject({
    missingApprovals: 2,
    eligibleVoterCount: 3,
    eligibleVoters: names(w.admin, w.reviewer, w.reviewerTwo),
  });
  await w.reviewer.policies.approveRelease(voteOn(w, intentId));
  await w.reviewerTwo.policies.rejectRelease(voteOn(w, intentId));
  const eligibleVoters = names(w.admin, w.reviewerTwo);
  expect(await gate()).toMatchObject({ missingApprovals: 1, eligibleVoters });
  await w.removeMember(w.reviewer);
  expect(await gate()).toMatchObject({ missingApprovals: 2, eligibleVoters });
  const { project } = w;
  const target = { project, targetEnvironment: 'production', releaseIntentId: intentId };
  const { evaluations } = await w.author.policies.evaluatePolicies(target);
  expect(evaluations[0]).toEqual(await gate());

  await app.context.db.pool.query(
    `with many as (
       insert into users (id, username, created_at, updated_at)
       select gen_random_uuid(), $1 || '-many-' || n, now(), now() from generate_series(1, 30) n returning id)
     insert into memberships (organisation_id, user_id, role, joined_at)
     select $2::uuid, id, 'member', now() from many`,
    [w.organisation, w.organisationId],
  );
  const many = await gate();
  expect([many?.eligibleVoters.length, many?.eligibleVoterCount]).toEqual([20, 32]);
});

test('shows each caller what they may do and what it effects; the revision changes only with the answer', async () => {
  const w = await world(app);
  const name = await w.approvalPolicy(2);
  const intentId = await gatedRelease(w);
  const shown = (by: Person) => production(w, by, intentId);
  const [first, second] = [
    await requirements(w, w.reviewer, intentId),
    await requirements(w, w.reviewer, intentId),
  ];
  expect(second.revision).toBe(first.revision);
  const policy = { policyName: name, policyType: PolicyType.EXTERNAL_APPROVAL };
  expect(first.environments).toMatchObject([
    {
      environment: 'production',
      allPassed: false,
      canApprove: { allowed: true },
      canReject: { allowed: true },
      canBypass: { allowed: false },
      evaluations: [{ passed: false, reason: 'awaiting approval: 0/2' }],
      approveEffect: {
        completes: [],
        opens: false,
        remaining: [{ ...policy, reason: 'awaiting approval: 1/2' }],
      },
    },
  ]);
  expect(first.environments[0]?.bypassEffect).toBeUndefined();
  expect(await requirements(w, w.author, intentId)).toMatchObject({ isReleaseAuthor: true, isAdmin: false });
  const authors = await shown(w.author);
  expect(authors?.canApprove?.allowed).toBe(false);
  const none = [authors?.approveEffect, authors?.rejectEffect, authors?.bypassEffect];
  expect(none).toEqual([undefined, undefined, undefined]);
  const opens = { completes: [name], opens: true, remaining: [] };
  expect(await shown(w.admin)).toMatchObject({ canBypass: { allowed: true }, bypassEffect: opens });
  await w.reviewer.policies.approveRelease(voteOn(w, intentId));
  const after = await requirements(w, w.reviewer, intentId);
  expect(after.revision).not.toBe(first.revision);
  expect(after.environments[0]?.myDecision?.decision).toBe('approved');
  expect((await shown(w.reviewerTwo))?.approveEffect).toMatchObject(opens);
  await w.reviewerTwo.policies.approveRelease(voteOn(w, intentId));
  await ended(w, intentId);
  expect((await shown(w.reviewerTwo))?.approveEffect).toBeUndefined();
});

test('effects name the end of a remaining soak, and what a rejection undoes', async () => {
  const w = await world(app);
  const { artifactId } = await w.artifact();
  await ended(w, await w.release(artifactId, ['staging']));
  await soakPolicy(w, 3_600);
  const name = await w.approvalPolicy(1);
  const intentId = await gatedRelease(w, artifactId);
  const before = await production(w, w.reviewer, intentId);
  const ends = before?.evaluations.find(({ policyName }) => policyName === 'soak')?.nextCheckAt;
  expect(ends).toMatch(/Z$/);
  expect(before?.approveEffect).toMatchObject({
    completes: [name],
    opens: false,
    remaining: [{ policyName: 'soak', policyType: PolicyType.SOAK_TIME }],
    opensAt: ends,
  });
  expect(before?.rejectEffect).toMatchObject({ completes: [], undoes: [] });
  expect(before?.rejectEffect?.opensAt).toBeUndefined();
  await w.reviewer.policies.approveRelease(voteOn(w, intentId));
  const after = await production(w, w.reviewer, intentId);
  expect(after?.rejectEffect).toMatchObject({ undoes: [name], opens: false });
  expect(after?.approveEffect).toMatchObject({ completes: [], undoes: [], opensAt: ends });
  const [stage] = (await stateOf(w, intentId)).stages;
  expect(stage).toMatchObject({ status: PipelineRunStageStatus.PENDING, nextCheckAt: ends });
});

test('warnings are shown when a policy is saved, enabled and listed', async () => {
  const w = await world(app);
  const { organisation, project } = w;
  await w.artifact('trunk');
  await w.artifact('feature/one');
  await w.admin.environments.createEnvironment({ organisation, name: 'empty', sortOrder: 9 });
  const name = await w.approvalPolicy(4, 'production', 'four');
  const { policy: soak } = await soakPolicy(w, 3_600, 'nowhere', 'empty');
  const kind = PolicyWarningKind.SOURCE_WITHOUT_DESTINATIONS;
  const about = { policyId: soak?.id, policyName: 'nowhere', environment: 'empty' };
  expect(soak?.warnings).toMatchObject([{ kind, ...about }]);
  await branchPolicy(w, 'main only', '^main$');
  const { policies } = await w.reviewer.policies.listPolicies({ project });
  expect(policies.map((policy) => [policy.name, ...policy.warnings])).toMatchObject([
    ['four', { kind: PolicyWarningKind.NOT_ENOUGH_VOTERS, required: 4, eligible: 3 }],
    [
      'main only',
      {
        kind: PolicyWarningKind.PATTERN_MATCHES_NO_RECENT_BRANCH,
        pattern: '^main$',
        recentBranches: ['feature/one', 'trunk'],
      },
    ],
    ['nowhere', { kind }],
  ]);
  const change = async (update: object) =>
    (await w.admin.policies.updatePolicy({ project, name, ...update })).policy?.warnings;
  const config = (targetEnvironment: string) => ({
    config: { case: 'approval', value: { targetEnvironment, requiredApprovals: 3 } },
  });
  expect(await change({ enabled: false })).toEqual([]);
  expect(await change({ enabled: true, ...config('production') })).toEqual([]);
  expect(await change(config('empty'))).toMatchObject([
    { kind: PolicyWarningKind.TARGET_WITHOUT_DESTINATIONS, environment: 'empty' },
  ]);
});

test('warnings consider the author of a waiting release, and end when it has passed', async () => {
  const w = await world(app);
  const name = await w.approvalPolicy(3);
  const intentId = await gatedRelease(w);
  const warnings = async () => (await production(w, w.author, intentId))?.warnings;
  expect(await warnings()).toEqual([]);
  await w.removeMember(w.reviewer);
  expect(await warnings()).toMatchObject([
    { kind: PolicyWarningKind.NOT_ENOUGH_VOTERS, policyName: name, required: 3, eligible: 2 },
  ]);
  await w.setRole(w.author, 'admin');
  await w.removeMember(w.reviewerTwo);
  await w.removeMember(w.admin);
  expect(await warnings()).toMatchObject([
    { kind: PolicyWarningKind.ONLY_AUTHOR_COULD_VOTE, policyName: name, required: 3 },
  ]);
  const bypass = { ...voteOn(w, intentId), forceBypass: true, comment: 'no other member' };
  await w.author.policies.approveRelease(bypass);
  await ended(w, intentId);
  expect(await warnings()).toEqual([]);
});

test('one answer has the release’s state and destinations as in their own methods', async () => {
  const w = await world(app);
  await w.approvalPolicy(1);
  const { artifactId } = await w.artifact();
  await ended(w, await w.release(artifactId, ['staging']));
  const intentId = await gatedRelease(w, artifactId);
  const page = await requirements(w, w.author, intentId);
  const state = await stateOf(w, intentId);
  expect(page.intent).toEqual(state);
  expect(state.stages.map(({ direction }) => direction)).toEqual([ComparisonDirection.FIRST]);
  const states = await w.author.releases.getDestinationStates({ ...w.project, artifactId });
  expect(page.destinations).toEqual(states.destinations);
  expect(page.destinations.map((d) => [d.destinationName, d.status])).toEqual([
    ['eu', 'SUCCEEDED'],
    ['eu-west', undefined],
    ['us-east', undefined],
  ]);
});

test('answers cost the same number of statements for many policies as for one', async () => {
  const w = await world(app);
  await w.approvalPolicy(1);
  const intentId = await gatedRelease(w);
  const cost = async (call: () => Promise<unknown>) => {
    await app.coordinator.idle();
    statements.length = 0;
    await call();
    // The use of a credential is stored once a minute.
    return statements.filter((name) => name !== 'access.touch_credential').sort();
  };
  const poll = () => requirements(w, w.reviewer, intentId);
  const list = () => w.reviewer.policies.listPolicies({ project: w.project });
  const [polled, listed] = [await cost(poll), await cost(list)];
  for (const required of [1, 2, 3]) await w.approvalPolicy(required);
  await branchPolicy(w, 'branch', 'main');
  await soakPolicy(w, 3_600);
  expect(await cost(poll)).toEqual(polled);
  expect(await cost(list)).toEqual(listed);
  expect(polled).toContain('approvals.find_requirements');
});

test('the Deploy form has enabled pipelines, environments and forecasts', async () => {
  const w = await world(app);
  const { project } = w;
  const stage = deployStage('a', 'staging');
  for (const name of ['on', 'off']) await w.pipeline(name, stage);
  await w.admin.pipelines.updateReleasePipeline({ project, name: 'off', enabled: false });
  await w.approvalPolicy(1, 'production', 'approval');
  await branchPolicy(w, 'branch', '^main$');
  await soakPolicy(w, 3_600);
  const { artifactId } = await w.artifact();
  const ask = () => w.author.policies.getReleaseOptions({ project, artifactId });
  const options = await ask();
  expect(options.pipelines).toMatchObject([{ name: 'on', enabled: true, stages: [stage] }]);
  expect(options.environments.map(({ name }) => name)).toEqual(['staging', 'production']);
  expect(options.forecasts).toMatchObject([
    { environment: 'staging', evaluations: [] },
    {
      environment: 'production',
      evaluations: [
        { policyName: 'approval', passed: false, reason: 'no release in context' },
        { policyName: 'branch', passed: true, reason: 'branch "main" matches ^main$' },
        { policyName: 'soak', passed: false, reason: 'not deployed to staging (eu) yet' },
      ],
    },
  ]);
  await ended(w, await w.release(artifactId, ['staging']));
  const soak = (await ask()).forecasts[1]?.evaluations[2];
  expect(soak?.reason).toMatch(/ left of 1h in staging, ends /);

  const other = await world(app);
  const theirs = (await other.artifact()).artifactId;
  await expectRefusal(
    'NotFound',
    w.author.policies.getReleaseOptions({ project, artifactId: theirs }),
    other.author.policies.getReleaseOptions({ project, artifactId }),
  );
  const malformed = w.author.policies.getReleaseOptions({ project, artifactId: 'x' });
  expect(await refusal(malformed)).toMatchObject({ code: 'InvalidArgument', fields: ['artifact_id'] });
});
