import { Code, ConnectError } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OrganisationService } from '#server/gen/forest/v1/organisations_pb.ts';
import { PolicyService, PolicyType } from '#server/gen/forest/v1/policies_pb.ts';
import {
  PipelineRunStageStatus,
  type PipelineStageState,
  ReleaseIntentStatus,
  ReleaseService,
} from '#server/gen/forest/v1/releases_pb.ts';
import { UsersService } from '#server/gen/forest/v1/users_pb.ts';
import { PASSWORD } from './aim.ts';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import { at, beside } from './neighbours.ts';
import { ended, stateOf, type World, world } from './world.ts';

/*
 * Ways around the gate, tried by people with an account and a clock: what is done at one instant on two servers that hear of
 * each other through the database alone, and what is done, undone and done again while a release waits.
 */

let app: TestApp;
let other: TestApp;
let w: World;
beforeAll(async () => {
  const config = { sweepSeconds: 1 };
  app = await startTestApp({ config });
  other = await beside(app, { config });
});
afterAll(async () => {
  await other.stop();
  await app.stop();
});

const ROUNDS = 4;
const { AWAITING_APPROVAL, PENDING } = PipelineRunStageStatus;

const codeOf = (call: Promise<unknown>): Promise<Code | null> =>
  call.then(
    () => null,
    (error: unknown) => ConnectError.from(error).code,
  );
const gate = (releaseIntentId: string, targetEnvironment = 'production') => ({
  project: w.project,
  releaseIntentId,
  targetEnvironment,
});
const stageFor = async (intentId: string, environment: string) =>
  (await stateOf(w, intentId)).stages.find((stage) => stage.environment === environment);
const held = (
  intentId: string,
  status: PipelineRunStageStatus = AWAITING_APPROVAL,
  environment = 'production',
) =>
  eventually(async () => {
    const stage = await stageFor(intentId, environment);
    return stage?.status === status && stage;
  }, `the gate of ${environment} to hold it`);
/** Asks for a release to production, as the author, and waits until the gate holds it. */
async function waiting(): Promise<string> {
  const intentId = await w.release((await w.artifact()).artifactId, ['production']);
  await held(intentId);
  return intentId;
}
/** Held still after every server has looked again; gives the stage. */
async function staysShut(intentId: string, environment = 'production'): Promise<PipelineStageState> {
  for (const server of [app, other]) await server.coordinator.sweep();
  const state = await stateOf(w, intentId);
  expect(state.status).toBe(ReleaseIntentStatus.ACTIVE);
  expect(state.steps.filter((step) => step.environment === environment)).toEqual([]);
  const stage = state.stages.find((one) => one.environment === environment);
  if (stage === undefined) throw new Error(`no stage for ${environment}`);
  return stage;
}
/** The kinds of what the record has of the organisation since then, in its order. */
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
const deliveries = async (intentId: string) =>
  (await stateOf(w, intentId)).steps.map(({ destinationName }) => destinationName).sort();
const required = (requiredApprovals: number) => ({
  project: w.project,
  name: 'gate',
  config: { case: 'approval', value: { targetEnvironment: 'production', requiredApprovals } } as const,
});

describe('at one instant on two servers', () => {
  test('of several who vote for the last place one opens the gate, once', async () => {
    w = await world(app);
    await w.approvalPolicy(2, 'production', 'gate');
    for (let round = 0; round < ROUNDS; round++) {
      const intentId = await waiting();
      await w.reviewer.policies.approveRelease(gate(intentId));
      const from = await now();
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
    }
  });

  test('a vote and the raising of its policy: what opened did so before', async () => {
    w = await world(app);
    await w.approvalPolicy(1, 'production', 'gate');
    for (let round = 0; round < ROUNDS; round++) {
      await w.admin.policies.updatePolicy(required(1));
      const intentId = await waiting();
      const from = await now();
      await Promise.all([
        at(app, w.reviewer).policies.approveRelease(gate(intentId)),
        other.client(PolicyService, w.admin).updatePolicy(required(2)),
      ]);
      const kinds = await since(from);
      const opened = kinds.indexOf('gate.opened');
      if (opened === -1) expect((await staysShut(intentId)).status).toBe(AWAITING_APPROVAL);
      else expect(opened).toBeLessThan(kinds.indexOf('policy.updated'));
    }
  });

  test('a vote and the removal of who casts it: what opened did so before', async () => {
    w = await world(app);
    await w.approvalPolicy(1, 'production', 'gate');
    const { organisationId } = w;
    const { userId } = w.reviewer;
    for (let round = 0; round < ROUNDS; round++) {
      const intentId = await waiting();
      const from = await now();
      const [vote] = await Promise.all([
        codeOf(at(app, w.reviewer).policies.approveRelease(gate(intentId))),
        other.client(OrganisationService, w.admin).removeMember({ organisationId, userId }),
      ]);
      const kinds = await since(from);
      const opened = kinds.indexOf('gate.opened');
      if (vote === null) expect(opened).toBeLessThan(kinds.indexOf('member.removed'));
      else expect([vote, opened]).toEqual([Code.NotFound, -1]);
      if (opened === -1) await staysShut(intentId);
      await w.admin.organisations.addMember({ organisationId, userId, role: 'member' });
    }
  });

  test('a vote and the end of its release: nothing opens after it', async () => {
    w = await world(app);
    await w.approvalPolicy(1, 'production', 'gate');
    for (let round = 0; round < ROUNDS; round++) {
      const intentId = await waiting();
      const from = await now();
      const [vote, cancel] = await Promise.all([
        codeOf(at(app, w.reviewer).policies.approveRelease(gate(intentId))),
        codeOf(at(other, w.author).releases.cancelRelease({ releaseIntentId: intentId })),
      ]);
      if (vote !== null) expect([vote, await deliveries(intentId)]).toEqual([Code.FailedPrecondition, []]);
      if (cancel !== null) {
        expect(cancel).toBe(Code.FailedPrecondition);
        await ended(w, intentId);
        continue;
      }
      await ended(w, intentId, ReleaseIntentStatus.CANCELLED);
      const kinds = await since(from);
      expect(kinds.lastIndexOf('gate.opened')).toBeLessThan(kinds.indexOf('release.cancelled'));
      expect(kinds.slice(kinds.indexOf('release.cancelled') + 1)).toEqual([]);
    }
  });

  test('approval and rejection of one person: whichever was last is their voice, and the gate heeds it', async () => {
    w = await world(app);
    await w.approvalPolicy(1, 'production', 'gate');
    for (let round = 0; round < ROUNDS; round++) {
      const intentId = await waiting();
      const [approved, rejected] = await Promise.all([
        codeOf(at(app, w.reviewer).policies.approveRelease(gate(intentId))),
        codeOf(at(other, w.reviewer).policies.rejectRelease(gate(intentId))),
      ]);
      // The first approval opens the gate with itself: a rejection comes before it, or too late.
      expect(approved).toBeNull();
      expect([null, Code.FailedPrecondition]).toContain(rejected);
      await ended(w, intentId);
      const { state } = await w.author.policies.getApprovalState(gate(intentId));
      expect(state?.decisions.map(({ decision }) => decision)).toEqual(['approved']);
    }
  });

  test('two opposite verdicts on a plan: one is taken', async () => {
    w = await world(app);
    const stages = [{ id: 'plan', config: { case: 'plan', value: { environment: 'production' } } as const }];
    await w.admin.pipelines.createReleasePipeline({ project: w.project, name: 'planned', stages });
    for (let round = 0; round < ROUNDS; round++) {
      const { artifactId } = await w.artifact();
      const { intents } = await w.author.releases.release({ artifactId, usePipeline: true });
      const plan = { releaseIntentId: intents[0]?.releaseIntentId ?? '', stageId: 'plan' };
      await held(plan.releaseIntentId);
      const [approved, rejected] = await Promise.all([
        codeOf(at(app, w.reviewer).releases.approvePlanStage(plan)),
        codeOf(at(other, w.reviewerTwo).releases.rejectPlanStage(plan)),
      ]);
      expect(new Set([approved, rejected])).toEqual(new Set([null, Code.FailedPrecondition]));
      const { SUCCEEDED, FAILED } = ReleaseIntentStatus;
      await ended(w, plan.releaseIntentId, approved === null ? SUCCEEDED : FAILED);
    }
  });

  test('two releases of an artifact through a pipeline: one, and the other is told of it', async () => {
    w = await world(app);
    const stages = [{ id: 'rest', config: { case: 'wait', value: { durationSeconds: 3600n } } as const }];
    await w.admin.pipelines.createReleasePipeline({ project: w.project, name: 'slow', stages });
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
    }
  });
});

describe('while a release waits', () => {
  test('a policy that is raised between two stages holds the second, whatever was voted before the first', async () => {
    w = await world(app);
    await w.approvalPolicy(1, 'production', 'gate');
    await w.approvalPolicy(1, 'staging', 'first');
    const deploy = (id: string, environment: string, ...dependsOn: string[]) =>
      ({ id, dependsOn, config: { case: 'deploy', value: { environment } } }) as const;
    await w.admin.pipelines.createReleasePipeline({
      project: w.project,
      name: 'both',
      stages: [deploy('one', 'staging'), deploy('two', 'production', 'one')],
    });
    const { artifactId } = await w.artifact();
    const { intents } = await w.author.releases.release({ artifactId, usePipeline: true });
    const intentId = intents[0]?.releaseIntentId ?? '';
    await held(intentId, AWAITING_APPROVAL, 'staging');
    await w.reviewer.policies.approveRelease(gate(intentId));
    // Neither is a voice for staging: not the vote for production, nor one for an environment that is none of its.
    await staysShut(intentId, 'staging');
    expect(await codeOf(w.reviewer.policies.approveRelease(gate(intentId, 'elsewhere')))).toBe(
      Code.FailedPrecondition,
    );
    await other.client(PolicyService, w.admin).updatePolicy(required(2));
    await w.reviewer.policies.approveRelease(gate(intentId, 'staging'));
    expect((await held(intentId)).status).toBe(AWAITING_APPROVAL);
    await staysShut(intentId);
    await w.reviewerTwo.policies.approveRelease(gate(intentId));
    await ended(w, intentId);
  });

  test('votes and bypasses are for one request: cancelled, asked for again and forced it waits anew', async () => {
    w = await world(app);
    await w.approvalPolicy(2, 'production', 'gate');
    const { artifactId } = await w.artifact();
    const ask = async (force: boolean) => {
      const { intents } = await w.author.releases.release({
        artifactId,
        environments: ['production'],
        force,
      });
      const intentId = intents[0]?.releaseIntentId ?? '';
      await held(intentId);
      return intentId;
    };
    const first = await ask(false);
    await w.reviewer.policies.approveRelease(gate(first));
    await w.author.releases.cancelRelease({ releaseIntentId: first });
    const replayed = [w.reviewer, w.reviewerTwo].map((by) => codeOf(by.policies.approveRelease(gate(first))));
    expect(await Promise.all(replayed)).toEqual([Code.FailedPrecondition, Code.FailedPrecondition]);
    const second = await ask(false);
    await w.reviewerTwo.policies.approveRelease(gate(second));
    await staysShut(second);
    await w.admin.policies.approveRelease({ ...gate(second), forceBypass: true, comment: 'outage' });
    await ended(w, second);
    const third = await ask(true);
    await w.reviewer.policies.approveRelease(gate(third));
    await staysShut(third);
    const { state } = await w.author.policies.getApprovalState(gate(third));
    expect([state?.currentApprovals, state?.bypassedBy]).toEqual([1, undefined]);
  });

  test('its pipeline may lose the stage, be switched off and deleted: it runs its own copy to its own gate', async () => {
    w = await world(app);
    await w.approvalPolicy(1, 'production', 'gate');
    const { project } = w;
    const stages = [{ id: 'go', config: { case: 'deploy', value: { environment: 'production' } } as const }];
    await w.admin.pipelines.createReleasePipeline({ project, name: 'main', stages });
    const { artifactId } = await w.artifact();
    const { intents } = await w.author.releases.release({ artifactId, usePipeline: true });
    const intentId = intents[0]?.releaseIntentId ?? '';
    await held(intentId);
    const rest = [{ id: 'go', config: { case: 'wait', value: { durationSeconds: 1n } } as const }];
    await w.admin.pipelines.updateReleasePipeline({
      project,
      name: 'main',
      stages: rest,
      updateStages: true,
    });
    await staysShut(intentId);
    expect(await codeOf(w.author.releases.release({ artifactId, usePipeline: true }))).toBe(
      Code.AlreadyExists,
    );
    await w.admin.pipelines.deleteReleasePipeline({ project, name: 'main' });
    expect((await staysShut(intentId)).status).toBe(AWAITING_APPROVAL);
  });

  test('its author is its author after a second login, as admin, and after leaving and coming back', async () => {
    w = await world(app);
    await w.approvalPolicy(1, 'production', 'gate');
    const intentId = await waiting();
    const { organisationId } = w;
    const { userId, username } = w.author;
    const identifier = { case: 'username', value: username } as const;
    const login = async () => {
      const { tokens } = await other.client(UsersService, {}).login({ identifier, password: PASSWORD });
      return other.client(PolicyService, { token: tokens?.accessToken ?? '' });
    };
    expect(await codeOf((await login()).approveRelease(gate(intentId)))).toBe(Code.PermissionDenied);
    await w.admin.organisations.removeMember({ organisationId, userId });
    expect(await codeOf((await login()).approveRelease(gate(intentId)))).toBe(Code.NotFound);
    await w.admin.organisations.addMember({ organisationId, userId, role: 'admin' });
    expect(await codeOf((await login()).approveRelease(gate(intentId)))).toBe(Code.PermissionDenied);
    await staysShut(intentId);
  });

  test('a plan that was approved is no vote for the deployment', async () => {
    w = await world(app);
    await w.approvalPolicy(1, 'production', 'gate');
    await w.admin.pipelines.createReleasePipeline({
      project: w.project,
      name: 'planned',
      stages: [
        { id: 'plan', config: { case: 'plan', value: { environment: 'production' } } },
        { id: 'go', dependsOn: ['plan'], config: { case: 'deploy', value: { environment: 'production' } } },
      ],
    });
    const { artifactId } = await w.artifact();
    const { intents } = await w.author.releases.release({ artifactId, usePipeline: true });
    const releaseIntentId = intents[0]?.releaseIntentId ?? '';
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

describe('what a build says of itself', () => {
  test('a branch that only looks like the one that may is another', async () => {
    w = await world(app);
    const branchRule = (branchPattern: string) => ({
      project: w.project,
      name: 'only main',
      config: {
        case: 'branchRestriction',
        value: { targetEnvironment: 'production', branchPattern },
      } as const,
    });
    const policyType = PolicyType.BRANCH_RESTRICTION;
    await w.admin.policies.createPolicy({ ...branchRule('^main$'), policyType });
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
    ]) {
      const { artifactId } = await w.artifact(branch);
      const code = await codeOf(w.release(artifactId, ['production']));
      expect([branch, code]).toEqual([branch, Code.FailedPrecondition]);
    }
    // The live rule decides over what waits: a release that was let in by an earlier one is held by its successor.
    await w.approvalPolicy(1, 'production', 'gate');
    const intentId = await waiting();
    await w.admin.policies.updatePolicy(branchRule('^release/'));
    await w.reviewer.policies.approveRelease(gate(intentId));
    await held(intentId, PENDING);
    await staysShut(intentId);
    const bypass = { ...gate(intentId), forceBypass: true, comment: 'now' };
    await w.admin.policies.approveRelease(bypass);
    expect((await staysShut(intentId)).reason).toContain('does not match');
  });

  test('a soak begins anew with each deployment, is of every destination, and of deployments alone', async () => {
    w = await world(app);
    const { organisation } = w;
    const value = { sourceEnvironment: 'staging', targetEnvironment: 'production', durationSeconds: 3600n };
    await w.admin.policies.createPolicy({
      project: w.project,
      name: 'soak',
      policyType: PolicyType.SOAK_TIME,
      config: { case: 'soakTime', value },
    });
    const type = { organisation: 'forage', name: 'noop', version: 1n };
    await w.admin.destinations.createDestination({
      organisation,
      name: 'eu-2',
      environment: 'staging',
      type,
    });
    const { artifactId } = await w.artifact();
    const intentId = await w.release(artifactId, ['production']);
    const reason = async () => {
      await held(intentId, PENDING);
      return (await staysShut(intentId)).reason ?? '';
    };
    const stage = async (how: object) => {
      const { intents } = await w.author.releases.release({ artifactId, ...how });
      await ended(w, intents[0]?.releaseIntentId ?? '');
    };
    const hoursAgo = (hours: number) =>
      app.context.db.pool.query(
        `update releases set completed_at = now() - make_interval(hours => $2) where artifact_id = $1`,
        [artifactId, hours],
      );
    await stage({ environments: ['staging'], prepareOnly: true });
    expect(await reason()).toBe('not deployed to staging (eu, eu-2) yet');
    await stage({ destinations: ['eu'] });
    expect(await reason()).toBe('not deployed to staging (eu-2) yet');
    await stage({ destinations: ['eu-2'] });
    await hoursAgo(2);
    // Deployed again a moment ago, at one of the two.
    await stage({ destinations: ['eu-2'], force: true });
    expect(await reason()).toContain('left of 1h in staging');
    // Another artifact's hours are its own.
    const later = await w.release((await w.artifact()).artifactId, ['production']);
    await held(later, PENDING);
    expect((await staysShut(later)).reason).toBe('not deployed to staging (eu, eu-2) yet');
  });

  test('ids of somebody else’s artifact and release find nothing in one’s own lists', async () => {
    const theirs = await world(app);
    const { artifactId } = await theirs.artifact();
    await ended(theirs, await theirs.release(artifactId, ['staging']));
    w = await world(app);
    const query = { organisation: w.organisation, artifactId, includeCompleted: true };
    const states = other.client(ReleaseService, w.admin);
    expect((await states.getReleaseIntentStates(query)).releaseIntents).toEqual([]);
    const { destinations } = await states.getDestinationStates(query);
    expect(destinations.map((one) => one.status)).toEqual([undefined, undefined, undefined]);
    const project = { ...w.project, project: theirs.project.project };
    expect((await states.getReleaseIntentStates({ ...query, ...project })).releaseIntents).toEqual([]);
  });
});
