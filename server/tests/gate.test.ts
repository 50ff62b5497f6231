import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PolicyService, PolicyType } from '#server/gen/forest/v1/policies_pb.ts';
import { PipelineRunStageStatus, ReleaseIntentStatus } from '#server/gen/forest/v1/releases_pb.ts';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import { refusal } from './refusal.ts';
import { ended, type Person, person, stateOf, type World, world } from './world.ts';

let app: TestApp;
let w: World;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.stop());

const production = (releaseIntentId: string) => ({
  project: w.project,
  releaseIntentId,
  targetEnvironment: 'production',
});
const approve = (by: Person, intentId: string, comment = '') =>
  by.policies.approveRelease({ ...production(intentId), comment });
const atTheGate = (intentId: string) =>
  eventually(async () => {
    const state = await stateOf(w, intentId);
    return state.stages.some((s) => s.status === PipelineRunStageStatus.AWAITING_APPROVAL) && state;
  }, 'the stage to wait for approval');
const steps = async (intentId: string) => (await stateOf(w, intentId)).steps;

async function waiting(required: number): Promise<string> {
  w = await world(app);
  await w.approvalPolicy(required);
  const { artifactId } = await w.artifact();
  const intentId = await w.release(artifactId, ['production']);
  await atTheGate(intentId);
  return intentId;
}

describe('the gate', () => {
  test('two approvals open it, on its own, once for each destination', async () => {
    const intentId = await waiting(2);
    expect(await steps(intentId)).toEqual([]);
    const first = await approve(w.reviewer, intentId, 'looks good');
    expect(first.state?.currentApprovals).toBe(1);
    expect(first.state?.requiredApprovals).toBe(2);
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

  test('the author is refused, with the words; an admin who is the author may bypass', async () => {
    const intentId = await waiting(1);
    const own = await refusal(approve(w.author, intentId));
    expect(own.code).toBe('PermissionDenied');
    expect(own.words).toMatch(/cannot approve your own release/i);
    expect((await refusal(w.author.policies.rejectRelease(production(intentId)))).code).toBe(
      'PermissionDenied',
    );

    const { artifactId } = await w.artifact();
    const byAdmin = await w.release(artifactId, ['production'], w.admin);
    await atTheGate(byAdmin);
    expect((await refusal(approve(w.admin, byAdmin))).code).toBe('PermissionDenied');
    const bypass = { ...production(byAdmin), forceBypass: true };
    const without = await refusal(w.admin.policies.approveRelease({ ...bypass, comment: '  ' }));
    expect(without.code).toBe('InvalidArgument');
    const { state } = await w.admin.policies.approveRelease({ ...bypass, comment: 'hotfix' });
    expect(state).toMatchObject({
      currentApprovals: 0,
      bypassedBy: w.admin.username,
      bypassReason: 'hotfix',
    });
    await ended(w, byAdmin);
  });

  test('a member cannot bypass', async () => {
    const intentId = await waiting(1);
    const bypass = { ...production(intentId), forceBypass: true, comment: 'please' };
    expect((await refusal(w.reviewer.policies.approveRelease(bypass))).code).toBe('PermissionDenied');
    expect(await steps(intentId)).toEqual([]);
  });

  test('a rejection is a vote that the same user can turn into an approval', async () => {
    const intentId = await waiting(1);
    const { state } = await w.reviewer.policies.rejectRelease({
      ...production(intentId),
      comment: 'not yet',
    });
    expect(state?.currentApprovals).toBe(0);
    expect(state?.decisions).toMatchObject([{ decision: 'rejected', comment: 'not yet', counted: true }]);
    expect((await stateOf(w, intentId)).status).toBe(ReleaseIntentStatus.ACTIVE);
    const changed = await approve(w.reviewer, intentId);
    expect(changed.state?.decisions).toHaveLength(1);
    await ended(w, intentId);
  });

  test('the table of decisions, row by row', async () => {
    const intentId = await waiting(1);
    const other = await person(app, 'stranger');
    const nobody = app.client(PolicyService, {});
    const codes = async (call: Promise<unknown>) => (await refusal(call)).code;
    // 1
    expect(await codes(nobody.approveRelease(production('not-a-uuid')))).toBe('Unauthenticated');
    // 2
    expect(await codes(w.reviewer.policies.approveRelease(production('not-a-uuid')))).toBe('InvalidArgument');
    expect(await codes(approve(w.reviewer, intentId, 'x'.repeat(2_001)))).toBe('InvalidArgument');
    // 3
    expect(await codes(approve(other, intentId))).toBe('NotFound');
    const unknown = { ...production(intentId), project: { ...w.project, project: 'unknown' } };
    expect(await codes(w.reviewer.policies.approveRelease(unknown))).toBe('NotFound');
    // 4
    expect(await codes(approve(w.reviewer, '01890000-0000-7000-8000-000000000000'))).toBe('NotFound');
    await w.admin.releases.createProject({ organisation: w.organisation, project: 'other' });
    const elsewhere = { ...production(intentId), project: { ...w.project, project: 'other' } };
    expect(await codes(w.reviewer.policies.approveRelease(elsewhere))).toBe('NotFound');
    // 5 comes before 6
    const staging = { ...production(intentId), targetEnvironment: 'staging' };
    expect(await codes(w.reviewer.policies.approveRelease(staging))).toBe('FailedPrecondition');
    // 6
    const { artifactId } = await w.artifact();
    const toStaging = await w.release(artifactId, ['staging']);
    const ungated = { ...staging, releaseIntentId: toStaging };
    expect(await codes(w.reviewer.policies.approveRelease(ungated))).toBe('NotFound');
    // 7
    await approve(w.reviewer, intentId);
    await ended(w, intentId);
    expect(await codes(approve(w.reviewerTwo, intentId))).toBe('FailedPrecondition');
    // 8 comes after 7: the bypass of an ended stage by a member
    const late = { ...production(intentId), forceBypass: true, comment: 'x' };
    expect(await codes(w.reviewerTwo.policies.approveRelease(late))).toBe('FailedPrecondition');
  });

  test('the older names of the three methods work alike', async () => {
    const intentId = await waiting(1);
    await w.reviewer.policies.externalRejectRelease(production(intentId));
    const { state } = await w.reviewer.policies.getExternalApprovalState(production(intentId));
    expect(state?.decisions).toMatchObject([{ decision: 'rejected' }]);
    await w.reviewer.policies.externalApproveRelease(production(intentId));
    await ended(w, intentId);
  });

  test('the same vote again changes nothing; each change is remembered', async () => {
    const intentId = await waiting(2);
    await approve(w.reviewer, intentId, 'yes');
    await approve(w.reviewer, intentId, 'yes');
    await w.reviewer.policies.rejectRelease({ ...production(intentId), comment: 'no' });
    const { entries } = await w.reviewer.policies.listHistory({
      organisation: w.organisation,
      releaseIntentId: intentId,
    });
    const votes = entries.filter((e) => e.kind.startsWith('approval.'));
    expect(votes.map((e) => e.kind)).toEqual(['approval.rejected', 'approval.approved']);
    expect(votes[0]?.before).toMatchObject({ decision: 'approved', comment: 'yes' });
    expect(votes[0]?.after).toMatchObject({ decision: 'rejected', comment: 'no' });
  });

  test('the history cannot be changed, not even in the database', async () => {
    await waiting(1);
    const { pool } = app.context.db;
    await expect(pool.query("update history set subject = 'x'")).rejects.toThrow(/append-only/);
    await expect(pool.query('delete from history')).rejects.toThrow(/append-only/);
    await expect(pool.query('truncate history')).rejects.toThrow(/append-only/);
  });

  test('the live policy decides: lowering, disabling and deleting open what waits', async () => {
    for (const open of ['lower', 'disable', 'delete'] as const) {
      w = await world(app);
      const name = await w.approvalPolicy(2);
      const { artifactId } = await w.artifact();
      const intentId = await w.release(artifactId, ['production']);
      await atTheGate(intentId);
      await approve(w.reviewer, intentId);
      const policy = { project: w.project, name };
      if (open === 'lower') {
        const value = { targetEnvironment: 'production', requiredApprovals: 1 };
        await w.admin.policies.updatePolicy({ ...policy, config: { case: 'approval', value } });
      } else if (open === 'disable') await w.admin.policies.updatePolicy({ ...policy, enabled: false });
      else await w.admin.policies.deletePolicy(policy);
      await ended(w, intentId);
    }
  });

  test('a vote ends to count when its user leaves, and the policy that is deleted takes no vote along', async () => {
    const intentId = await waiting(2);
    await approve(w.reviewer, intentId);
    const { organisationId } = w;
    await w.admin.organisations.removeMember({ organisationId, userId: w.reviewer.userId });
    const { state } = await w.author.policies.getApprovalState(production(intentId));
    expect(state).toMatchObject({ currentApprovals: 0, decisions: [{ counted: false }] });
    await approve(w.reviewerTwo, intentId);
    expect(await steps(intentId)).toEqual([]);
    const { policies } = await w.admin.policies.listPolicies({ project: w.project });
    await w.approvalPolicy(2);
    await w.admin.policies.deletePolicy({ project: w.project, name: policies[0]?.name ?? '' });
    const kept = await w.author.policies.getApprovalState(production(intentId));
    expect(kept.state?.decisions).toHaveLength(2);
    // Coming back, the vote has its say again, and that opens the gate.
    await w.admin.organisations.addMember({ organisationId, userId: w.reviewer.userId, role: 'member' });
    await ended(w, intentId);
  });

  test('a vote of somebody who leaves by themselves counts no longer, and they cast none', async () => {
    const intentId = await waiting(2);
    await approve(w.reviewer, intentId);
    await w.reviewer.organisations.leaveOrganisation({ organisationId: w.organisationId });
    const { state } = await w.author.policies.getApprovalState(production(intentId));
    expect(state).toMatchObject({ currentApprovals: 0, decisions: [{ counted: false }] });
    expect((await refusal(approve(w.reviewer, intentId))).code).toBe('NotFound');
    await approve(w.reviewerTwo, intentId);
    expect(await steps(intentId)).toEqual([]);
  });

  test('two approvals at the same instant open the gate once', async () => {
    const intentId = await waiting(2);
    await Promise.all([approve(w.reviewer, intentId), approve(w.reviewerTwo, intentId)]);
    const state = await ended(w, intentId);
    expect(state.steps).toHaveLength(2);
    expect(state.steps.every((step) => step.attempt === 1)).toBe(true);
  });

  test('soak time and approval: a bypass leaves the soak in force', async () => {
    w = await world(app);
    await w.approvalPolicy(1);
    await w.admin.policies.createPolicy({
      project: w.project,
      name: 'soak',
      policyType: PolicyType.SOAK_TIME,
      config: {
        case: 'soakTime',
        value: { sourceEnvironment: 'staging', targetEnvironment: 'production', durationSeconds: 2n },
      },
    });
    const { artifactId } = await w.artifact();
    const intentId = await w.release(artifactId, ['production']);
    await atTheGate(intentId);
    await w.admin.policies.approveRelease({ ...production(intentId), forceBypass: true, comment: 'now' });
    const blocked = await eventually(async () => {
      const [stage] = (await stateOf(w, intentId)).stages;
      return stage?.status === PipelineRunStageStatus.PENDING && stage;
    }, 'the stage to wait for the soak alone');
    expect(blocked.reason).toMatch(/not deployed to staging/);
    await ended(w, await w.release(artifactId, ['staging']));
    // Opens by its timer when the two seconds are over, without anybody's help.
    await ended(w, intentId);
    const [step] = await steps(intentId);
    const staged = (await app.context.db.pool.query(
      "select max(completed_at) as at from releases where environment = 'staging' and artifact_id = $1",
      [artifactId],
    )) as { rows: { at: Date }[] };
    const soaked = new Date(step?.queuedAt ?? 0).getTime() - (staged.rows[0]?.at.getTime() ?? 0);
    expect(soaked).toBeGreaterThanOrEqual(2_000);
  });

  test('the last vote on a release that still soaks sets the timer that opens it', async () => {
    w = await world(app);
    await w.approvalPolicy(1);
    await w.admin.policies.createPolicy({
      project: w.project,
      name: 'soak',
      policyType: PolicyType.SOAK_TIME,
      config: {
        case: 'soakTime',
        value: { sourceEnvironment: 'staging', targetEnvironment: 'production', durationSeconds: 3n },
      },
    });
    const { artifactId } = await w.artifact();
    await ended(w, await w.release(artifactId, ['staging']));
    const intentId = await w.release(artifactId, ['production']);
    await atTheGate(intentId);
    await approve(w.reviewer, intentId);
    expect((await stateOf(w, intentId)).stages[0]).toMatchObject({ status: PipelineRunStageStatus.PENDING });
    // The sweep of this app comes once a minute: only the timer can open the gate in time.
    await ended(w, intentId);
  });

  test('a branch rule refuses at once, and an artifact without a branch does not pass', async () => {
    w = await world(app);
    await w.admin.policies.createPolicy({
      project: w.project,
      name: 'only main',
      policyType: PolicyType.BRANCH_RESTRICTION,
      config: {
        case: 'branchRestriction',
        value: { targetEnvironment: 'production', branchPattern: '^main$' },
      },
    });
    for (const branch of ['feature', null]) {
      const { artifactId } = await w.artifact(branch);
      const answer = await refusal(w.release(artifactId, ['production']));
      expect(answer.code).toBe('FailedPrecondition');
      expect(answer.words).toContain('only main');
      const forced = w.author.releases.release({ artifactId, environments: ['production'], force: true });
      expect((await refusal(forced)).code).toBe('FailedPrecondition');
    }
    const { artifactId } = await w.artifact('main');
    await ended(w, await w.release(artifactId, ['production']));
  });

  test('a policy that cannot be read blocks, and says so', async () => {
    w = await world(app);
    await app.context.db.pool.query(
      `insert into policies (id, project_id, name, type, target_environment, config, created_at, updated_at)
       select gen_random_uuid(), p.id, 'odd', 'moon_phase', 'production', '{}', now(), now()
         from projects p join organisations o on o.id = p.organisation_id where o.name = $1`,
      [w.organisation],
    );
    const { artifactId } = await w.artifact();
    const intentId = await w.release(artifactId, ['production']);
    const stage = await eventually(
      async () => (await stateOf(w, intentId)).stages.find((s) => s.reason),
      'a reason',
    );
    expect(stage.status).toBe(PipelineRunStageStatus.PENDING);
    expect(stage.reason).toMatch(/cannot be read/);
    expect(await steps(intentId)).toEqual([]);
  });

  test('a policy that is raised while a release queues behind another holds it back', async () => {
    w = await world(app);
    await w.approvalPolicy(1);
    const { organisation } = w;
    for (const name of ['eu-west', 'us-east']) {
      await w.admin.destinations.updateDestination({ organisation, name, metadata: { seconds: '2' } });
    }
    const [first, second] = [await w.artifact(), await w.artifact()];
    const ahead = await w.release(first.artifactId, ['production']);
    await atTheGate(ahead);
    await approve(w.reviewer, ahead);
    await eventually(
      async () => (await steps(ahead)).some((s) => s.status === 'RUNNING'),
      'the first to run',
    );
    const behind = await w.release(second.artifactId, ['production']);
    await atTheGate(behind);
    await approve(w.reviewer, behind);
    await eventually(async () => (await steps(behind)).length === 2, 'the second to queue');
    await w.approvalPolicy(2);
    await atTheGate(behind);
    await ended(w, ahead);
    expect((await steps(behind)).map((s) => s.status)).toEqual(['QUEUED', 'QUEUED']);
    await approve(w.reviewerTwo, behind);
    await ended(w, behind);
  });

  test('GetReleaseRequirements tells what the caller may do, and its revision changes only with the answer', async () => {
    const intentId = await waiting(2);
    const ask = (by: Person) =>
      by.policies.getReleaseRequirements({ project: w.project, releaseIntentId: intentId });
    const [mine, again, authors, admins] = [
      await ask(w.reviewer),
      await ask(w.reviewer),
      await ask(w.author),
      await ask(w.admin),
    ];
    expect(again.revision).toBe(mine.revision);
    expect(mine.environments).toHaveLength(1);
    expect(mine.environments[0]).toMatchObject({
      environment: 'production',
      allPassed: false,
      canApprove: { allowed: true },
      canReject: { allowed: true },
      canBypass: { allowed: false },
      evaluations: [{ passed: false, reason: 'awaiting approval: 0/2' }],
    });
    expect(authors).toMatchObject({ isReleaseAuthor: true, isAdmin: false });
    expect(authors.environments[0]?.canApprove).toMatchObject({
      allowed: false,
      reason: 'You cannot approve your own release.',
    });
    expect(admins.environments[0]?.canBypass?.allowed).toBe(true);
    await approve(w.reviewer, intentId);
    const after = await ask(w.reviewer);
    expect(after.revision).not.toBe(mine.revision);
    expect(after.environments[0]?.myDecision?.decision).toBe('approved');
  });

  test('ListPendingApprovals: what waits for the caller alone, oldest first, page by page', async () => {
    w = await world(app);
    await w.approvalPolicy(2);
    const intents: string[] = [];
    for (let i = 0; i < 3; i++) {
      intents.push(await w.release((await w.artifact()).artifactId, ['production']));
      await atTheGate(intents.at(-1) ?? '');
    }
    const list = async (by: Person) => {
      const seen: string[] = [];
      let pageToken = '';
      do {
        const page = await by.policies.listPendingApprovals({ pageSize: 2, pageToken });
        seen.push(...page.approvals.map((a) => a.releaseIntentId));
        pageToken = page.nextPageToken;
      } while (pageToken !== '');
      return seen;
    };
    expect(await list(w.reviewer)).toEqual(intents);
    expect(await list(w.author)).toEqual([]);
    await approve(w.reviewer, intents[0] ?? '');
    expect(await list(w.reviewer)).toEqual(intents.slice(1));
    const { approvals } = await w.reviewerTwo.policies.listPendingApprovals({});
    expect(approvals[0]).toMatchObject({
      currentApprovals: 1,
      requiredApprovals: 2,
      environment: 'production',
    });
  });
});
