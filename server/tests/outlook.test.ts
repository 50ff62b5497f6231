import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PolicyType, PolicyWarningKind } from '#server/gen/forest/v1/policies_pb.ts';
import { PipelineRunStageStatus } from '#server/gen/forest/v1/releases_pb.ts';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import { refusal } from './refusal.ts';
import { ended, type Person, stateOf, type World, world } from './world.ts';

/* Why a release waits, who can supply what is missing, what a vote would do, and whether it can ever pass. */

let app: TestApp;
const statements: string[] = [];
beforeAll(async () => {
  app = await startTestApp({ observeStatement: (name) => statements.push(name) });
});
afterAll(() => app.stop());

const soakPolicy = (w: World, name: string, sourceEnvironment: string, targetEnvironment: string) =>
  w.admin.policies.createPolicy({
    project: w.project,
    name,
    policyType: PolicyType.SOAK_TIME,
    config: { case: 'soakTime', value: { sourceEnvironment, targetEnvironment, durationSeconds: 3_600n } },
  });
const branchPolicy = (w: World, name: string, branchPattern: string) =>
  w.admin.policies.createPolicy({
    project: w.project,
    name,
    policyType: PolicyType.BRANCH_RESTRICTION,
    config: { case: 'branchRestriction', value: { targetEnvironment: 'production', branchPattern } },
  });
const requirements = (w: World, by: Person, releaseIntentId: string) =>
  by.policies.getReleaseRequirements({ project: w.project, releaseIntentId });
const vote = (w: World, releaseIntentId: string) => ({
  project: w.project,
  releaseIntentId,
  targetEnvironment: 'production',
});

/** A release to production that waits there for an approval. */
async function waiting(w: World, artifactId?: string): Promise<string> {
  const intentId = await w.release(artifactId ?? (await w.artifact()).artifactId, ['production']);
  await eventually(
    async () => (await stateOf(w, intentId)).stages[0]?.status === PipelineRunStageStatus.AWAITING_APPROVAL,
    'the stage to wait for approval',
  );
  return intentId;
}

describe('what is missing, and who can supply it', () => {
  test('changes with every vote and with the membership', async () => {
    const w = await world(app);
    await w.approvalPolicy(2);
    const intentId = await waiting(w);
    const gate = async () => (await requirements(w, w.author, intentId)).environments[0]?.evaluations[0];
    const names = (...people: Person[]) => people.map(({ userId, username }) => ({ userId, username }));
    expect(await gate()).toMatchObject({
      missingApprovals: 2,
      eligibleVoterCount: 3,
      eligibleVoters: names(w.admin, w.reviewer, w.reviewerTwo),
    });
    await w.reviewer.policies.approveRelease(vote(w, intentId));
    await w.reviewerTwo.policies.rejectRelease(vote(w, intentId));
    expect(await gate()).toMatchObject({
      missingApprovals: 1,
      eligibleVoters: names(w.admin, w.reviewerTwo),
    });
    const { organisationId } = w;
    await w.admin.organisations.removeMember({ organisationId, userId: w.reviewer.userId });
    expect(await gate()).toMatchObject({
      missingApprovals: 2,
      eligibleVoters: names(w.admin, w.reviewerTwo),
    });
    const evaluated = await w.author.policies.evaluatePolicies({
      project: w.project,
      targetEnvironment: 'production',
      releaseIntentId: intentId,
    });
    expect(evaluated.evaluations[0]).toEqual(await gate());
  });

  test('names twenty voters and counts them all', async () => {
    const w = await world(app);
    await app.context.db.pool.query(
      `with many as (
         insert into users (id, username, created_at, updated_at)
         select gen_random_uuid(), $1 || '-many-' || n, now(), now() from generate_series(1, 30) n returning id)
       insert into memberships (organisation_id, user_id, role, joined_at)
       select $2::uuid, id, 'member', now() from many`,
      [w.organisation, w.organisationId],
    );
    await w.approvalPolicy(1);
    const intentId = await waiting(w);
    const [gate] = (await requirements(w, w.author, intentId)).environments[0]?.evaluations ?? [];
    expect(gate?.eligibleVoters).toHaveLength(20);
    expect(gate?.eligibleVoterCount).toBe(33);
  });
});

describe('what a vote would do', () => {
  test('is told to those who may cast it, and comes true', async () => {
    const w = await world(app);
    const name = await w.approvalPolicy(2);
    const intentId = await waiting(w);
    const told = async (by: Person) => (await requirements(w, by, intentId)).environments[0];
    const authors = await told(w.author);
    expect(authors?.approveEffect).toBeUndefined();
    expect(authors?.rejectEffect).toBeUndefined();
    expect(authors?.bypassEffect).toBeUndefined();
    expect((await told(w.reviewer))?.bypassEffect).toBeUndefined();
    expect((await told(w.admin))?.bypassEffect).toMatchObject({
      completes: [name],
      opens: true,
      remaining: [],
    });
    expect((await told(w.reviewer))?.approveEffect).toMatchObject({
      completes: [],
      opens: false,
      remaining: [
        { policyName: name, policyType: PolicyType.EXTERNAL_APPROVAL, reason: 'awaiting approval: 1/2' },
      ],
    });
    await w.reviewer.policies.approveRelease(vote(w, intentId));
    expect((await told(w.reviewerTwo))?.approveEffect).toMatchObject({
      completes: [name],
      opens: true,
      remaining: [],
    });
    await w.reviewerTwo.policies.approveRelease(vote(w, intentId));
    await ended(w, intentId);
    expect((await told(w.reviewerTwo))?.approveEffect).toBeUndefined();
  });

  test('with a soak left: when it ends; and what a rejection takes back', async () => {
    const w = await world(app);
    const { artifactId } = await w.artifact();
    await ended(w, await w.release(artifactId, ['staging']));
    await soakPolicy(w, 'soak', 'staging', 'production');
    const name = await w.approvalPolicy(1);
    const intentId = await waiting(w, artifactId);
    const mine = async () => (await requirements(w, w.reviewer, intentId)).environments[0];
    const before = await mine();
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
    await w.reviewer.policies.approveRelease(vote(w, intentId));
    const after = await mine();
    expect(after?.rejectEffect).toMatchObject({ undoes: [name], opens: false });
    expect(after?.approveEffect).toMatchObject({ completes: [], undoes: [], opensAt: ends });
  });
});

describe('whether it can ever pass', () => {
  test('is told when a policy is saved, switched and listed', async () => {
    const w = await world(app);
    const { organisation, project } = w;
    await w.artifact('trunk');
    await w.artifact('feature/one');
    await w.admin.environments.createEnvironment({ organisation, name: 'empty', sortOrder: 9 });
    const strict = await w.approvalPolicy(4, 'production', 'four');
    const { policy: soak } = await soakPolicy(w, 'nowhere', 'empty', 'production');
    expect(soak?.warnings).toMatchObject([
      {
        kind: PolicyWarningKind.SOURCE_WITHOUT_DESTINATIONS,
        policyId: soak?.id,
        policyName: 'nowhere',
        environment: 'empty',
      },
    ]);
    const { policy: branch } = await branchPolicy(w, 'main only', '^main$');
    expect(branch?.warnings).toMatchObject([
      {
        kind: PolicyWarningKind.PATTERN_MATCHES_NO_RECENT_BRANCH,
        pattern: '^main$',
        recentBranches: ['feature/one', 'trunk'],
      },
    ]);
    const listed = await w.reviewer.policies.listPolicies({ project });
    expect(listed.policies.map(({ name, warnings }) => [name, warnings.map(({ kind }) => kind)])).toEqual([
      ['four', [PolicyWarningKind.NOT_ENOUGH_VOTERS]],
      ['main only', [PolicyWarningKind.PATTERN_MATCHES_NO_RECENT_BRANCH]],
      ['nowhere', [PolicyWarningKind.SOURCE_WITHOUT_DESTINATIONS]],
    ]);
    expect(listed.policies[0]?.warnings[0]).toMatchObject({ required: 4, eligible: 3 });

    const change = (update: object) =>
      w.admin.policies
        .updatePolicy({ project, name: strict, ...update })
        .then(({ policy }) => policy?.warnings);
    const config = (targetEnvironment: string, requiredApprovals: number) => ({
      config: { case: 'approval' as const, value: { targetEnvironment, requiredApprovals } },
    });
    expect(await change({ enabled: false })).toEqual([]);
    expect(await change({ enabled: true, ...config('production', 3) })).toEqual([]);
    expect(await change(config('empty', 3))).toMatchObject([
      { kind: PolicyWarningKind.TARGET_WITHOUT_DESTINATIONS, environment: 'empty' },
    ]);
  });

  test('is told of a waiting release, by its own author, and no longer of one that has passed', async () => {
    const w = await world(app);
    const { organisationId } = w;
    const name = await w.approvalPolicy(3);
    const intentId = await waiting(w);
    const warnings = async () => (await requirements(w, w.author, intentId)).environments[0]?.warnings;
    expect(await warnings()).toEqual([]);
    await w.admin.organisations.removeMember({ organisationId, userId: w.reviewer.userId });
    expect(await warnings()).toMatchObject([
      { kind: PolicyWarningKind.NOT_ENOUGH_VOTERS, policyName: name, required: 3, eligible: 2 },
    ]);
    // The author alone is left, as the admin who is to go makes them one first.
    const { userId } = w.author;
    await w.admin.organisations.updateMemberRole({ organisationId, userId, role: 'admin' });
    for (const gone of [w.reviewerTwo, w.admin]) {
      await w.author.organisations.removeMember({ organisationId, userId: gone.userId });
    }
    expect(await warnings()).toMatchObject([
      { kind: PolicyWarningKind.ONLY_AUTHOR_COULD_VOTE, policyName: name, required: 3 },
    ]);
    await w.author.policies.approveRelease({
      ...vote(w, intentId),
      forceBypass: true,
      comment: 'nobody else is left',
    });
    await ended(w, intentId);
    expect(await warnings()).toEqual([]);
  });
});

describe('one request for a page', () => {
  test('a release with its state and destinations, as their own methods have them', async () => {
    const w = await world(app);
    await w.approvalPolicy(1);
    const { artifactId } = await w.artifact();
    await ended(w, await w.release(artifactId, ['staging']));
    const intentId = await waiting(w, artifactId);
    const page = await requirements(w, w.author, intentId);
    expect(page.intent).toEqual(await stateOf(w, intentId));
    const { organisation } = w;
    const { project } = w.project;
    const states = await w.author.releases.getDestinationStates({ organisation, project, artifactId });
    expect(page.destinations).toEqual(states.destinations);
    expect(page.destinations.map((d) => [d.destinationName, d.status])).toEqual([
      ['eu', 'SUCCEEDED'],
      ['eu-west', undefined],
      ['us-east', undefined],
    ]);
  });

  test('costs the same number of statements for many policies as for one', async () => {
    const w = await world(app);
    await w.approvalPolicy(1);
    const intentId = await waiting(w);
    const cost = async (call: () => Promise<unknown>) => {
      await app.coordinator.idle();
      statements.length = 0;
      await call();
      // That a credential was used is noted once a minute.
      return statements.filter((name) => name !== 'access.touch').sort();
    };
    const poll = () => requirements(w, w.reviewer, intentId);
    const list = () => w.reviewer.policies.listPolicies({ project: w.project });
    const [polled, listed] = [await cost(poll), await cost(list)];
    for (const required of [1, 2, 3]) await w.approvalPolicy(required);
    await branchPolicy(w, 'branch', 'main');
    await soakPolicy(w, 'soak', 'staging', 'production');
    expect(await cost(poll)).toEqual(polled);
    expect(await cost(list)).toEqual(listed);
    expect(polled).toContain('approvals.requirements');
  });

  test('the Deploy form: enabled pipelines, environments, and what their policies would say', async () => {
    const w = await world(app);
    const { project } = w;
    const stages = [{ id: 'a', config: { case: 'deploy' as const, value: { environment: 'staging' } } }];
    for (const name of ['on', 'off'])
      await w.admin.pipelines.createReleasePipeline({ project, name, stages });
    await w.admin.pipelines.updateReleasePipeline({ project, name: 'off', enabled: false });
    await w.approvalPolicy(1, 'production', 'approval');
    await branchPolicy(w, 'branch', '^main$');
    await soakPolicy(w, 'soak', 'staging', 'production');
    const { artifactId } = await w.artifact();
    const ask = async () => w.author.policies.getReleaseOptions({ project, artifactId });
    const options = await ask();
    expect(options.pipelines.map(({ name, enabled }) => [name, enabled])).toEqual([['on', true]]);
    expect(options.pipelines[0]?.stages).toMatchObject(stages);
    expect(options.environments.map(({ name }) => name)).toEqual(['staging', 'production']);
    const said = (of: Awaited<ReturnType<typeof ask>>) =>
      of.forecasts.map((one) => [
        one.environment,
        one.evaluations.map((e) => [e.policyName, e.passed, e.reason]),
      ]);
    expect(said(options)).toEqual([
      ['staging', []],
      [
        'production',
        [
          ['approval', false, 'no release in context'],
          ['branch', true, 'branch "main" matches ^main$'],
          ['soak', false, 'not deployed to staging (eu) yet'],
        ],
      ],
    ]);
    await ended(w, await w.release(artifactId, ['staging']));
    const soak = (await ask()).forecasts[1]?.evaluations[2];
    expect(soak?.reason).toMatch(/^(59m|1h) left of 1h in staging, ends /);

    const other = await world(app);
    const elsewhere = { project, artifactId: (await other.artifact()).artifactId };
    expect(await refusal(w.author.policies.getReleaseOptions(elsewhere))).toMatchObject({ code: 'NotFound' });
    expect(await refusal(other.author.policies.getReleaseOptions({ project, artifactId }))).toMatchObject({
      code: 'NotFound',
    });
    const malformed = w.author.policies.getReleaseOptions({ project, artifactId: 'x' });
    expect(await refusal(malformed)).toMatchObject({ code: 'InvalidArgument', fields: ['artifact_id'] });
  });
});
