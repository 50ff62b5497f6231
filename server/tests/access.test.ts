import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PolicyType } from '#server/gen/forest/v1/policies_pb.ts';
import {
  PipelineRunStageStatus,
  ReleaseIntentStatus,
  ReleaseService,
  ReleaseStatus,
} from '#server/gen/forest/v1/releases_pb.ts';
import { UsersService } from '#server/gen/forest/v1/users_pb.ts';
import { accessRuleOf } from '#server/rpc/access-table.ts';
import { aimAt, PASSWORD } from './aim.ts';
import { type Aim, callJson, everyMethod, nameOf, requestsFor } from './every-method.ts';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import { ended, type Person, person, stateOf, type World, world } from './world.ts';

let app: TestApp;
let w: World;
let aim: Aim;
/** The admin of another organisation. */
let outsider: Person;
beforeAll(async () => {
  app = await startTestApp();
  ({ w, aim } = await aimAt(app));
  const theirs = await world(app);
  outsider = theirs.admin;
});
afterAll(() => app.stop());

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const refusal = async (call: Promise<unknown>) => {
  try {
    await call;
  } catch (error) {
    const { code, rawMessage } = ConnectError.from(error);
    return { code, words: rawMessage };
  }
  throw new Error('the call was not refused');
};
const codeOf = async (call: Promise<unknown>) => (await refusal(call)).code;

const NO = 'permission_denied';
const methodOf = (name: string) => {
  const found = everyMethod.find((method) => nameOf(method) === name);
  if (found === undefined) throw new Error(`there is no method ${name}`);
  return found;
};
const reads = (method: (typeof everyMethod)[number]) =>
  method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;

// Every method by everybody: access-table.test.ts.
describe('credentials', () => {
  test('that ended, were never any or are of another kind open nothing', async () => {
    const users = app.client(UsersService, {});
    const login = await users.login({
      identifier: { case: 'username', value: w.reviewerTwo.username },
      password: PASSWORD,
    });
    const { accessToken = '', refreshToken = '' } = login.tokens ?? {};
    const info = (token: string) => codeOf(app.client(UsersService, { token }).tokenInfo({}));
    expect(await info(refreshToken)).toBe(Code.Unauthenticated);
    expect(await info('forage_a_nonsense')).toBe(Code.Unauthenticated);
    await users.logout({ refreshToken });
    expect(await info(accessToken)).toBe(Code.Unauthenticated);
  });
});

describe('the wall between organisations', () => {
  test('our own project and somebody else’s id in one request', async () => {
    const theirs = await aimAt(app);
    const ours = await world(app);
    const { project, reviewer, admin, organisation, organisationId } = ours;
    const vote = { project, releaseIntentId: theirs.aim.intentId, targetEnvironment: 'production' };
    const gone = async (call: Promise<unknown>) => expect(await codeOf(call)).toBe(Code.NotFound);
    await gone(reviewer.policies.approveRelease(vote));
    await gone(reviewer.policies.rejectRelease(vote));
    await gone(reviewer.policies.getApprovalState(vote));
    await gone(admin.policies.approveRelease({ ...vote, forceBypass: true, comment: 'mine now' }));
    await gone(reviewer.policies.getReleaseRequirements(vote));
    await gone(reviewer.policies.evaluatePolicies(vote));
    await gone(reviewer.releases.release({ artifactId: theirs.aim.artifactId, environments: ['staging'] }));
    await gone(admin.releases.cancelRelease({ releaseIntentId: theirs.aim.intentId }));
    await gone(
      admin.releases.approvePlanStage({ releaseIntentId: theirs.aim.planIntentId, stageId: 'plan' }),
    );
    await gone(admin.environments.updateEnvironment({ id: theirs.aim.environmentId, description: 'mine' }));
    await gone(admin.organisations.removeMember({ organisationId, userId: theirs.aim.author.userId }));
    const role = { organisationId, userId: theirs.aim.author.userId, role: 'admin' };
    await gone(admin.organisations.updateMemberRole(role));
    const { artifactId } = await ours.artifact();
    await gone(reviewer.releases.release({ artifactId, destinations: [theirs.aim.spareDestination] }));
    await gone(reviewer.releases.release({ artifactId, environments: ['qa'] }));
    const build = { project, context: { title: 'x' }, ref: { commitSha: 'abc' } };
    await gone(reviewer.releases.annotateRelease({ ...build, artifactId: theirs.aim.artifactId }));
    const named = { ...build, source: { userId: theirs.aim.author.userId } };
    expect(await codeOf(reviewer.releases.annotateRelease(named))).toBe(Code.InvalidArgument);
    // Filters find nothing, which tells as little.
    const filter = { organisation, artifactId: theirs.aim.artifactId, includeCompleted: true };
    expect((await reviewer.releases.getReleaseIntentStates(filter)).releaseIntents).toEqual([]);
    const states = await reviewer.releases.getDestinationStates(filter);
    expect(states.destinations.every((d) => d.releaseId === undefined)).toBe(true);
    const history = { organisation, releaseIntentId: theirs.aim.intentId };
    expect((await reviewer.policies.listHistory(history)).entries).toEqual([]);
  });

  test('a refusal does not tell whether the thing exists', async () => {
    const nowhere = '01890000-0000-7000-8000-000000000000';
    const words = async (releaseIntentId: string) =>
      (await refusal(outsider.releases.cancelRelease({ releaseIntentId }))).words.replace(
        releaseIntentId,
        'ID',
      );
    expect(await words(aim.intentId)).toBe(await words(nowhere));
    const bySlug = async (slug: string) =>
      (await refusal(outsider.releases.getArtifactBySlug({ slug }))).words.replace(slug, 'SLUG');
    expect(await bySlug(aim.slug)).toBe(await bySlug('no-such-slug'));
  });
});

describe('a browser session', () => {
  test('without its CSRF token writes nothing, with any method; reads pass', async () => {
    const signIn = await fetch(`${app.url}/forest.v1.SessionService/SignIn`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ identifier: w.admin.username, password: PASSWORD }),
    });
    const cookie = signIn.headers.get('set-cookie')?.split(';')[0] ?? '';
    expect(cookie).not.toBe('');
    // Signing in is how a browser without a token gets one, and needs the password.
    const free = new Set(['SessionService.SignIn', 'SessionService.SetUp']);
    // Not for browsers, which cannot stream both ways.
    free.add('ServerReflection.ServerReflectionInfo');
    for (const method of everyMethod) {
      const request = requestsFor(aim, 'cookie')[nameOf(method)] ?? {};
      if (free.has(nameOf(method))) continue;
      for (const csrf of ['', 'forged']) {
        const headers = { cookie, 'x-csrf-token': csrf };
        const { code, message } = await callJson(app, method, request, headers);
        const refused = code === NO && message.includes('x-csrf-token');
        expect([nameOf(method), refused]).toEqual([nameOf(method), !reads(method)]);
      }
    }
  });
});

describe('a personal access token', () => {
  const mayRelease = [
    'ArtifactService.BeginUploadArtifact',
    'ArtifactService.UploadArtifact',
    'ArtifactService.CommitArtifact',
    'ReleaseService.AnnotateRelease',
    'ReleaseService.Release',
    'ReleaseService.CancelRelease',
  ];
  const mayApprove = [
    'PolicyService.ApproveRelease',
    'PolicyService.RejectRelease',
    'PolicyService.ExternalApproveRelease',
    'PolicyService.ExternalRejectRelease',
    'ReleaseService.ApprovePlanStage',
    'ReleaseService.RejectPlanStage',
  ];
  const needsNobody =
    /^(StatusService|Health|ServerReflection)\.|^SessionService\.(SignIn|SignOut|GetSession|SetUp)$|^UsersService\.(Register|Login|RefreshToken|Logout)$/;

  /** Reads that tell of sign-ins, one's own or everybody's. */
  const whole = ['PolicyService.VerifyHistory', 'PolicyService.ExportHistory', 'SessionService.ListSessions'];
  /** Of admins; what prolongs a token's own life takes a session or a login. */
  const mayAdminister = everyMethod.map(nameOf).filter((name) => {
    const rule = accessRuleOf(methodOf(name));
    return rule.need !== 'public' && rule.token === 'admin' && rule.callers !== 'logins';
  });

  test('with the scope "admin" makes no tokens, and changes nothing by which its owner signs in', () => {
    const never = everyMethod.map(nameOf).filter((name) => {
      const rule = accessRuleOf(methodOf(name));
      return rule.need !== 'public' && rule.callers === 'logins';
    });
    expect(never).toEqual([
      'IdentityService.ConnectIdentity',
      'IdentityService.DisconnectIdentity',
      'ServiceAccountService.CreateServiceAccount',
      'ServiceAccountService.DeleteServiceAccount',
      'ServiceAccountService.CreateServiceAccountToken',
      'ServiceAccountService.RevokeServiceAccountToken',
      'SessionService.ListSessions',
      'SessionService.EndSession',
      'SessionService.SignOutEverywhere',
      'UsersService.ChangePassword',
      'UsersService.CreatePersonalAccessToken',
      'UsersService.DeletePersonalAccessToken',
    ]);
  });

  test.each([
    ['read', []],
    ['release', mayRelease],
    ['approve', mayApprove],
    ['admin', mayAdminister],
  ])('with the scope "%s" does that, and reads', async (scope, may: readonly string[]) => {
    const { w: other, aim: there } = await aimAt(app);
    const { rawToken } = await app.client(UsersService, other.admin).createPersonalAccessToken({
      userId: other.admin.userId,
      name: scope,
      scopes: [scope],
    });
    for (const method of everyMethod) {
      const name = nameOf(method);
      if (needsNobody.test(name) || name === 'ReleaseService.ReportRelease') continue;
      const request = requestsFor(there, scope)[name] ?? {};
      const answer = await callJson(app, method, request, bearer(rawToken));
      const lacks = answer.code === NO && /lacks the scope|access token cannot do this/.test(answer.message);
      const readable = reads(method) && !whole.includes(name);
      const allowed = readable || name === 'ReleaseService.WaitRelease' || may.includes(name);
      expect([name, lacks ? 'refused' : 'let in']).toEqual([name, allowed ? 'let in' : 'refused']);
    }
  });
});

describe('an author who wants round the gate', () => {
  const waits = (intentId: string) =>
    eventually(
      async () =>
        (await stateOf(w, intentId)).stages.some(
          (s) => s.status === PipelineRunStageStatus.AWAITING_APPROVAL,
        ),
      'the gate to hold it',
    );
  const nothingStarted = async (intentId: string) => {
    const state = await stateOf(w, intentId);
    expect(state.steps).toEqual([]);
    expect(state.status).toBe(ReleaseIntentStatus.ACTIVE);
  };
  const gated = async (required = 1) => {
    w = await world(app);
    await w.approvalPolicy(required);
    return (await w.artifact()).artifactId;
  };

  test('force, single destinations and several requests at once all end at the gate', async () => {
    const artifactId = await gated();
    const ask = (how: object) => w.author.releases.release({ artifactId, ...how });
    const answers = await Promise.all([
      ask({ environments: ['production'], force: true }),
      ask({ destinations: ['us-east'] }),
      ask({ destinations: ['us-east'], force: true }),
      ask({ environments: ['production'], destinations: ['eu-west'], force: true }),
      ask({ environments: ['staging'], destinations: ['us-east'], force: true }),
    ]);
    for (const { intents } of answers) await waits(intents[0]?.releaseIntentId ?? '');
    for (const { intents } of answers) {
      const state = await stateOf(w, intents[0]?.releaseIntentId ?? '');
      expect(state.steps.filter((step) => step.environment === 'production')).toEqual([]);
    }
    // Votes are for one request: approving one opens no other.
    const [first, second] = answers.map(({ intents }) => intents[0]?.releaseIntentId ?? '');
    const production = { project: w.project, targetEnvironment: 'production' };
    await w.reviewer.policies.approveRelease({ ...production, releaseIntentId: first });
    await ended(w, first ?? '');
    await nothingStarted(second ?? '');
  });

  test('prepare_only deploys nothing, whatever it names', async () => {
    const artifactId = await gated();
    const { intents } = await w.author.releases.release({
      artifactId,
      environments: ['production'],
      prepareOnly: true,
      force: true,
    });
    await ended(w, intents[0]?.releaseIntentId ?? '');
    const modes = await app.context.db.pool.query(
      `select distinct mode from releases where release_intent_id = $1`,
      [intents[0]?.releaseIntentId],
    );
    expect(modes.rows).toEqual([{ mode: 'plan' }]);
    const states = await w.author.releases.getDestinationStates({ organisation: w.organisation });
    expect(states.destinations.every((d) => d.status === undefined)).toBe(true);
  });

  test('a name that only looks like the environment’s is no way in', async () => {
    const artifactId = await gated();
    for (const name of [
      'Production',
      'PRODUCTION',
      'production ',
      ' production',
      'production\n',
      'prοduction',
    ]) {
      const code = await codeOf(w.author.releases.release({ artifactId, environments: [name] }));
      expect([name, code]).toEqual([name, /^[A-Za-z]+$/.test(name) ? Code.NotFound : Code.InvalidArgument]);
      const value = { targetEnvironment: name, requiredApprovals: 1 };
      const policy = { project: w.project, name: 'odd', policyType: PolicyType.EXTERNAL_APPROVAL };
      const created = w.admin.policies.createPolicy({ ...policy, config: { case: 'approval', value } });
      expect([name, await codeOf(created)]).toEqual([name, Code.InvalidArgument]);
    }
  });

  test('they approve nothing of their own, by no name of the method, nor with a token of theirs', async () => {
    const artifactId = await gated();
    const intentId = await w.release(artifactId, ['production']);
    await waits(intentId);
    const { rawToken } = await app.client(UsersService, w.author).createPersonalAccessToken({
      userId: w.author.userId,
      name: 'a second me',
      scopes: ['admin', 'approve'],
    });
    const vote = { project: w.project, releaseIntentId: intentId, targetEnvironment: 'production' };
    for (const token of [w.author.token, rawToken]) {
      for (const name of ['ApproveRelease', 'ExternalApproveRelease', 'RejectRelease']) {
        const method = everyMethod.find((m) => m.name === name);
        if (method === undefined) throw new Error(name);
        expect((await callJson(app, method, vote, bearer(token))).code).toBe(NO);
        const bypass = { ...vote, forceBypass: true, comment: 'urgent' };
        if (name !== 'RejectRelease') {
          expect((await callJson(app, method, bypass, bearer(token))).code).toBe(NO);
        }
      }
    }
    await nothingStarted(intentId);
    const { organisationId } = w;
    const { userId } = w.author;
    const promote = w.author.organisations.updateMemberRole({ organisationId, userId, role: 'admin' });
    expect(await codeOf(promote)).toBe(Code.PermissionDenied);
    const friend = await person(app, 'friend');
    const add = w.author.organisations.addMember({ organisationId, userId: friend.userId, role: 'member' });
    expect(await codeOf(add)).toBe(Code.PermissionDenied);
    const join = friend.organisations.addMember({ organisationId, userId: friend.userId, role: 'admin' });
    expect(await codeOf(join)).toBe(Code.NotFound);
  });

  test('an artifact that names somebody else as its source is still theirs to release, and neither of them approves', async () => {
    await gated();
    const { artifact } = await w.author.releases.annotateRelease({
      project: w.project,
      context: { title: 'by somebody else, as it says' },
      ref: { commitSha: 'abc' },
      source: { userId: w.reviewer.userId, user: w.reviewer.username },
    });
    const intentId = await w.release(artifact?.artifactId ?? '', ['production']);
    const vote = { project: w.project, releaseIntentId: intentId, targetEnvironment: 'production' };
    expect(await codeOf(w.author.policies.approveRelease(vote))).toBe(Code.PermissionDenied);
    expect(await codeOf(w.reviewer.policies.approveRelease(vote))).toBe(Code.PermissionDenied);
    await w.reviewerTwo.policies.approveRelease(vote);
    await ended(w, intentId);
  });

  test('their plan needs another pair of eyes, also when they are an admin', async () => {
    const { w: here, aim: there } = await aimAt(app);
    w = here;
    const plan = { releaseIntentId: there.planIntentId, stageId: 'plan' };
    const denied = Code.PermissionDenied;
    expect(await codeOf(w.author.releases.approvePlanStage(plan))).toBe(denied);
    expect(await codeOf(w.author.releases.rejectPlanStage(plan))).toBe(denied);
    const { organisationId } = w;
    const { userId } = w.author;
    await w.admin.organisations.updateMemberRole({ organisationId, userId, role: 'admin' });
    expect(await codeOf(w.author.releases.approvePlanStage(plan))).toBe(denied);
    await w.reviewer.releases.approvePlanStage(plan);
    await ended(w, there.planIntentId);
  });

  test('a bypass falls with the right it was made by', async () => {
    const artifactId = await gated(2);
    const value = { sourceEnvironment: 'staging', targetEnvironment: 'production', durationSeconds: 3600n };
    await w.admin.policies.createPolicy({
      project: w.project,
      name: 'soak',
      policyType: PolicyType.SOAK_TIME,
      config: { case: 'soakTime', value },
    });
    const { organisationId } = w;
    const second = w.reviewerTwo;
    await w.admin.organisations.updateMemberRole({ organisationId, userId: second.userId, role: 'admin' });
    const intentId = await w.release(artifactId, ['production']);
    await waits(intentId);
    const vote = { project: w.project, releaseIntentId: intentId, targetEnvironment: 'production' };
    await second.policies.approveRelease({ ...vote, forceBypass: true, comment: 'before I go' });
    await eventually(
      async () => (await stateOf(w, intentId)).stages[0]?.status === PipelineRunStageStatus.PENDING,
      'the soak alone to hold it',
    );
    await w.admin.organisations.updateMemberRole({ organisationId, userId: second.userId, role: 'member' });
    await waits(intentId);
    const { state } = await w.author.policies.getApprovalState(vote);
    expect(state).toMatchObject({ currentApprovals: 0, decisions: [{ bypass: true, counted: false }] });
    expect(state?.bypassedBy).toBeUndefined();
    await w.admin.policies.deletePolicy({ project: w.project, name: 'soak' });
    await waits(intentId);
    await nothingStarted(intentId);
  });

  test('reports without the token of just that release change nothing', async () => {
    const artifactId = await gated();
    const { organisation } = w;
    await w.admin.destinations.updateDestination({ organisation, name: 'eu', metadata: { seconds: '3' } });
    const intentId = await w.release(artifactId, ['staging']);
    const step = await eventually(async () => (await stateOf(w, intentId)).steps[0], 'a release');
    const report = { releaseId: step.releaseId, status: ReleaseStatus.SUCCEEDED };
    for (const token of ['forged', w.author.token, w.admin.token]) {
      const call = app.client(ReleaseService, { token }).reportRelease(report);
      expect(await codeOf(call)).toBe(Code.Unauthenticated);
    }
    expect((await stateOf(w, intentId)).status).toBe(ReleaseIntentStatus.ACTIVE);
    await ended(w, intentId);
  });
});
