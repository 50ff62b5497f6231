import { Code, ConnectError } from '@connectrpc/connect';
import { afterAll, describe, expect, test } from 'vitest';
import { OrganisationService } from '#server/gen/forest/v1/organisations_pb.ts';
import { PolicyService } from '#server/gen/forest/v1/policies_pb.ts';
import {
  PipelineRunStageStatus,
  type PipelineStageState,
  ReleaseIntentSchema,
  ReleaseIntentStatus,
} from '#server/gen/forest/v1/releases_pb.ts';
import { UsersService } from '#server/gen/forest/v1/users_pb.ts';
import {
  branchConfig,
  branchPolicy,
  codeOf,
  deployStage,
  gatedRelease,
  planStage,
  requireApprovals,
  soakPolicy,
  stageWaits,
  voteOn,
  waitStage,
} from './gate-world.ts';
import { eventually, startTestApp } from './harness.ts';
import { at, beside } from './neighbours.ts';
import { expectRefusal } from './refusal.ts';
import { ended, PASSWORD, stateOf, type Target, type World, world } from './world.ts';

/*
 * Attempts to get around the gate with an account: concurrent calls to two servers that share nothing but the database, and
 * changes that are made, undone and made again while a release waits.
 */

const config = { sweepSeconds: 1 };
const app = await startTestApp({ config });
const other = await beside(app, { config });
afterAll(async () => {
  await other.stop();
  await app.stop();
});
let w: World;

const ROUNDS = 4;
const { AWAITING_APPROVAL, PENDING } = PipelineRunStageStatus;

const gate = (releaseIntentId: string, environment?: string) => voteOn(w, releaseIntentId, environment);

/** Checks that the gate stays closed when every server evaluates again; gives the stage. */
async function staysClosed(intentId: string, environment = 'production'): Promise<PipelineStageState> {
  for (const server of [app, other]) await server.coordinator.sweep();
  const state = await stateOf(w, intentId);
  expect(state.status).toBe(ReleaseIntentStatus.ACTIVE);
  expect(state.steps.filter((step) => step.environment === environment)).toEqual([]);
  const stage = state.stages.find((one) => one.environment === environment);
  if (stage === undefined) throw new Error(`no stage for ${environment}`);
  return stage;
}
/** The kinds of the organisation's history entries after a sequence number, oldest first. */
async function since(from: bigint) {
  const { entries } = await w.admin.policies.listHistory({ organisation: w.organisation, pageSize: 100 });
  return entries
    .filter(({ sequence }) => sequence > from)
    .reverse()
    .map(({ kind }) => kind);
}
async function now(): Promise<bigint> {
  const { entries } = await w.admin.policies.listHistory({ organisation: w.organisation, pageSize: 1 });
  return entries[0]?.sequence ?? 0n;
}
/** A new organisation with a policy "gate" for production. */
async function policed(required: number): Promise<void> {
  w = await world(app);
  await w.approvalPolicy(required, 'production', 'gate');
}
/** Repeats a race on a new release that waits, with the sequence number of the history before it. */
async function rounds(race: (intentId: string, from: bigint) => Promise<void>, required = 1): Promise<void> {
  await policed(required);
  for (let round = 0; round < ROUNDS; round++) await race(await gatedRelease(w), await now());
}
const deliveries = async (intentId: string) =>
  (await stateOf(w, intentId)).steps.map(({ destinationName }) => destinationName).sort();

describe('concurrent calls to two servers', () => {
  test('of concurrent last votes one opens the gate, once', () =>
    rounds(async (intentId, from) => {
      await w.reviewer.policies.approveRelease(gate(intentId));
      const codes = await Promise.all(
        [
          at(other, w.reviewerTwo).policies.approveRelease(gate(intentId)),
          at(app, w.admin).policies.approveRelease(gate(intentId)),
          at(other, w.reviewer).policies.approveRelease({ ...gate(intentId), comment: 'once more' }),
        ].map(codeOf),
      );
      expect([null, Code.FailedPrecondition]).toEqual(expect.arrayContaining([...new Set(codes)]));
      await ended(w, intentId);
      expect(await deliveries(intentId)).toEqual(['eu-west', 'us-east']);
      expect((await since(from)).filter((kind) => kind === 'gate.opened')).toHaveLength(1);
    }, 2));

  test('a vote opens the gate only before its policy is raised', () =>
    rounds(async (intentId, from) => {
      await Promise.all([
        at(app, w.reviewer).policies.approveRelease(gate(intentId)),
        requireApprovals(w, 'gate', 2, other.client(PolicyService, w.admin)),
      ]);
      const kinds = await since(from);
      const opened = kinds.indexOf('gate.opened');
      if (opened === -1) expect((await staysClosed(intentId)).status).toBe(AWAITING_APPROVAL);
      else expect(opened).toBeLessThan(kinds.indexOf('policy.updated'));
      await requireApprovals(w, 'gate', 1);
    }));

  test('a vote opens the gate only before its voter is removed', () =>
    rounds(async (intentId, from) => {
      const { organisationId } = w;
      const { userId } = w.reviewer;
      const [vote] = await Promise.all([
        codeOf(at(app, w.reviewer).policies.approveRelease(gate(intentId))),
        other.client(OrganisationService, w.admin).removeMember({ organisationId, userId }),
      ]);
      const kinds = await since(from);
      const opened = kinds.indexOf('gate.opened');
      if (vote === null) expect(opened).toBeLessThan(kinds.indexOf('member.removed'));
      else expect([vote, opened]).toEqual([Code.NotFound, -1]);
      if (opened === -1) await staysClosed(intentId);
      await w.addMember(w.reviewer);
    }));

  test('a vote opens nothing after its release is cancelled', () =>
    rounds(async (intentId, from) => {
      const [vote, cancel] = await Promise.all([
        codeOf(at(app, w.reviewer).policies.approveRelease(gate(intentId))),
        codeOf(at(other, w.author).releases.cancelRelease({ releaseIntentId: intentId })),
      ]);
      if (vote !== null) expect([vote, await deliveries(intentId)]).toEqual([Code.FailedPrecondition, []]);
      if (cancel !== null) {
        expect(cancel).toBe(Code.FailedPrecondition);
        await ended(w, intentId);
        return;
      }
      await ended(w, intentId, ReleaseIntentStatus.CANCELLED);
      const kinds = await since(from);
      expect(kinds.lastIndexOf('gate.opened')).toBeLessThan(kinds.indexOf('release.cancelled'));
      expect(kinds.slice(kinds.indexOf('release.cancelled') + 1)).toEqual([]);
    }));

  test('accepts one of two opposite verdicts on a plan', async () => {
    w = await world(app);
    await w.pipeline('planned', planStage('plan', 'production'));
    for (let round = 0; round < ROUNDS; round++) {
      const releaseIntentId = await w.releaseNew({ usePipeline: true });
      await stageWaits(w, releaseIntentId);
      const plan = { releaseIntentId, stageId: 'plan' };
      const [approved, rejected] = await Promise.all([
        codeOf(at(app, w.reviewer).releases.approvePlanStage(plan)),
        codeOf(at(other, w.reviewerTwo).releases.rejectPlanStage({ ...plan, reason: 'too wide' })),
      ]);
      expect(new Set([approved, rejected])).toEqual(new Set([null, Code.FailedPrecondition]));
      const { SUCCEEDED, FAILED } = ReleaseIntentStatus;
      const { stages } = await ended(w, releaseIntentId, approved === null ? SUCCEEDED : FAILED);
      if (rejected === null) expect(stages[0]?.errorMessage).toContain('too wide');
    }
  });

  test('accepts one of two pipeline releases of an artifact, and names it in the other’s error', async () => {
    w = await world(app);
    await w.pipeline('slow', waitStage('rest', 3600n), deployStage('go', 'staging', 'rest'));
    for (let round = 0; round < ROUNDS; round++) {
      const { artifactId } = await w.artifact();
      const request = { artifactId, usePipeline: true };
      const both = await Promise.allSettled([
        at(app, w.author).releases.release(request),
        at(other, w.reviewer).releases.release(request),
      ]);
      const [id] = both.flatMap((one) => (one.status === 'fulfilled' ? one.value.intents : []));
      const refused = both.flatMap((one) =>
        one.status === 'rejected' ? [ConnectError.from(one.reason)] : [],
      );
      expect(refused.map(({ code }) => code)).toEqual([Code.AlreadyExists]);
      expect(refused[0]?.rawMessage).toContain(id?.releaseIntentId);
      const [detail] = refused[0]?.findDetails(ReleaseIntentSchema) ?? [];
      expect(detail?.releaseIntentId).toBe(id?.releaseIntentId);
    }
  });
});

describe('while a release waits', () => {
  test('a policy that is raised between two stages blocks the second, despite earlier votes', async () => {
    await policed(1);
    await w.approvalPolicy(1, 'staging', 'first');
    await w.pipeline('both', deployStage('one', 'staging'), deployStage('two', 'production', 'one'));
    const intentId = await w.releaseNew({ usePipeline: true });
    await stageWaits(w, intentId, AWAITING_APPROVAL, 'staging');
    await w.reviewer.policies.approveRelease(gate(intentId));
    // A vote for production does not count for staging.
    await staysClosed(intentId, 'staging');
    const elsewhere = gate(intentId, 'elsewhere');
    await expectRefusal('FailedPrecondition', w.reviewer.policies.approveRelease(elsewhere));
    await requireApprovals(w, 'gate', 2, other.client(PolicyService, w.admin));
    await w.reviewer.policies.approveRelease(gate(intentId, 'staging'));
    expect((await stageWaits(w, intentId)).status).toBe(AWAITING_APPROVAL);
    await staysClosed(intentId);
    await w.reviewerTwo.policies.approveRelease(gate(intentId));
    await ended(w, intentId);
  });

  test('votes and bypasses count for one request only', async () => {
    await policed(2);
    const { artifactId } = await w.artifact();
    const ask = async (force: boolean) => {
      const intentId = await w.release(artifactId, { environments: ['production'], force });
      await stageWaits(w, intentId);
      return intentId;
    };
    const first = await ask(false);
    await w.reviewer.policies.approveRelease(gate(first));
    await w.author.releases.cancelRelease({ releaseIntentId: first });
    const replayed = [w.reviewer, w.reviewerTwo].map((by) => by.policies.approveRelease(gate(first)));
    await expectRefusal('FailedPrecondition', ...replayed);
    const second = await ask(false);
    await w.reviewerTwo.policies.approveRelease(gate(second));
    await staysClosed(second);
    await w.admin.policies.approveRelease({ ...gate(second), forceBypass: true, comment: 'outage' });
    await ended(w, second);
    const third = await ask(true);
    await w.reviewer.policies.approveRelease(gate(third));
    await staysClosed(third);
    const { state } = await w.author.policies.getApprovalState(gate(third));
    expect([state?.currentApprovals, state?.bypassedBy]).toEqual([1, undefined]);
  });

  test('the release keeps its own stages and gate when its pipeline changes or is deleted', async () => {
    await policed(1);
    const { project } = w;
    await w.pipeline('main', deployStage('go', 'production'));
    const { artifactId } = await w.artifact();
    const intentId = await w.release(artifactId, { usePipeline: true });
    await stageWaits(w, intentId);
    const stages = [waitStage('go', 1n)];
    await w.admin.pipelines.updateReleasePipeline({ project, name: 'main', stages, updateStages: true });
    await staysClosed(intentId);
    await expectRefusal('AlreadyExists', w.release(artifactId, ['production']));
    await w.admin.pipelines.deleteReleasePipeline({ project, name: 'main' });
    expect((await staysClosed(intentId)).status).toBe(AWAITING_APPROVAL);
  });

  test('its author stays its author with another login, as an admin, and after rejoining', async () => {
    await policed(1);
    const intentId = await gatedRelease(w);
    const identifier = { case: 'username', value: w.author.username } as const;
    const vote = async () => {
      const { tokens } = await other.client(UsersService, {}).login({ identifier, password: PASSWORD });
      const policies = other.client(PolicyService, { token: tokens?.accessToken ?? '' });
      await policies.approveRelease(gate(intentId));
    };
    await expectRefusal('PermissionDenied', vote());
    await w.removeMember(w.author);
    await expectRefusal('NotFound', vote());
    await w.addMember(w.author, 'admin');
    await expectRefusal('PermissionDenied', vote());
    await staysClosed(intentId);
  });

  test('an approved plan is not a vote for the deployment', async () => {
    await policed(1);
    await w.pipeline('planned', planStage('plan', 'production'), deployStage('go', 'production', 'plan'));
    const releaseIntentId = await w.releaseNew({ usePipeline: true });
    const stage = (id: string, status: PipelineRunStageStatus) =>
      eventually(
        async () =>
          (await stateOf(w, releaseIntentId)).stages.find((one) => one.stageId === id)?.status === status,
        `stage ${id} to wait`,
      );
    await stage('plan', AWAITING_APPROVAL);
    await w.reviewer.releases.approvePlanStage({ releaseIntentId, stageId: 'plan' });
    await stage('go', AWAITING_APPROVAL);
    for (const server of [app, other]) await server.coordinator.sweep();
    await stage('go', AWAITING_APPROVAL);
    const { state } = await w.author.policies.getApprovalState(gate(releaseIntentId));
    expect(state?.currentApprovals).toBe(0);
  });
});

describe('facts of the build', () => {
  test('a branch that does not match is blocked, also if it looks like one that does, and with force', async () => {
    w = await world(app);
    await branchPolicy(w, 'only main', '^main$');
    for (const branch of [
      'main\n',
      'main\nfeature',
      'feature\nmain',
      'main\r',
      'main\u2028',
      ' main',
      'main ',
      'MAIN',
      'maın',
      'mа\u0069n',
      'ma\u200bin',
      '\u202emain',
      'refs/heads/main',
      '^main$',
      null,
    ]) {
      const { artifactId } = await w.artifact(branch);
      for (const force of [false, true]) {
        const code = await codeOf(w.release(artifactId, { environments: ['production'], force }));
        expect([branch, force, code]).toEqual([branch, force, Code.FailedPrecondition]);
      }
    }
    // The live policy decides, also about releases that an earlier version let pass.
    await w.approvalPolicy(1, 'production', 'gate');
    const intentId = await gatedRelease(w);
    const policy = { project: w.project, name: 'only main' };
    await w.admin.policies.updatePolicy({ ...policy, ...branchConfig('^release/') });
    await w.reviewer.policies.approveRelease(gate(intentId));
    await stageWaits(w, intentId, PENDING);
    await staysClosed(intentId);
    const bypass = { ...gate(intentId), forceBypass: true, comment: 'now' };
    await w.admin.policies.approveRelease(bypass);
    expect((await staysClosed(intentId)).reason).toContain('does not match');
  });

  test('a soak restarts with each deployment, covers every destination, and ignores plans', async () => {
    w = await world(app);
    await soakPolicy(w, 3_600);
    await w.destination('eu-2', 'staging');
    const { artifactId } = await w.artifact();
    const intentId = await w.release(artifactId, ['production']);
    const reason = async () => {
      await stageWaits(w, intentId, PENDING);
      return (await staysClosed(intentId)).reason ?? '';
    };
    const stage = async (to: Target) => ended(w, await w.release(artifactId, to));
    await stage({ environments: ['staging'], prepareOnly: true });
    expect(await reason()).toBe('not deployed to staging (eu, eu-2) yet');
    await stage({ destinations: ['eu'] });
    expect(await reason()).toBe('not deployed to staging (eu-2) yet');
    await stage({ destinations: ['eu-2'] });
    await app.context.db.pool.query(
      "update releases set completed_at = now() - interval '2 hours' where artifact_id = $1",
      [artifactId],
    );
    // Deployed again just now, to one of the two.
    await stage({ destinations: ['eu-2'], force: true });
    expect(await reason()).toContain('left of 1h in staging');
    // A build of another commit soaks separately.
    const other = await w.artifact('main', 'b'.repeat(40));
    const later = await w.release(other.artifactId, ['production']);
    await stageWaits(w, later, PENDING);
    expect((await staysClosed(later)).reason).toBe('not deployed to staging (eu, eu-2) yet');
  });
});
