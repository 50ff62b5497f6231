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

const NOT_IN = 'unauthenticated';
const NO = 'permission_denied';
const GONE = 'not_found';
const members = [NOT_IN, GONE, 'ok', 'ok'];
const admins = [NOT_IN, GONE, NO, 'ok'];
const signedIn = [NOT_IN, 'ok', 'ok', 'ok'];
const anybody = ['ok', 'ok', 'ok', 'ok'];
const everyone = (code: string) => [code, code, code, code];
const callers = (code: string) => [NOT_IN, code, code, code];

/** What nobody, the admin of another organisation, a member and an admin are answered, in this order. */
const TABLE: Readonly<Record<string, readonly string[]>> = {
  'ArtifactService.BeginUploadArtifact': signedIn,
  // The author's upload: nobody else's, not even an admin's.
  'ArtifactService.UploadArtifact': callers(GONE),
  'ArtifactService.CommitArtifact': callers(GONE),
  'ArtifactService.GetArtifactFiles': members,
  'DestinationService.CreateDestination': admins,
  'DestinationService.UpdateDestination': admins,
  'DestinationService.DeleteDestination': admins,
  'DestinationService.GetDestinations': members,
  'DestinationService.ListDestinationTypes': signedIn,
  'EnvironmentService.CreateEnvironment': admins,
  'EnvironmentService.GetEnvironment': members,
  'EnvironmentService.ListEnvironments': members,
  'EnvironmentService.UpdateEnvironment': admins,
  'EnvironmentService.DeleteEnvironment': admins,
  'OrganisationService.CreateOrganisation': signedIn,
  'OrganisationService.GetOrganisation': members,
  'OrganisationService.ListMyOrganisations': signedIn,
  'OrganisationService.AddMember': admins,
  'OrganisationService.RemoveMember': admins,
  'OrganisationService.UpdateMemberRole': admins,
  'OrganisationService.ListMembers': members,
  'PolicyService.CreatePolicy': admins,
  'PolicyService.UpdatePolicy': admins,
  'PolicyService.DeletePolicy': admins,
  'PolicyService.ListPolicies': members,
  'PolicyService.EvaluatePolicies': members,
  'PolicyService.ApproveRelease': members,
  'PolicyService.RejectRelease': members,
  'PolicyService.GetApprovalState': members,
  'PolicyService.ExternalApproveRelease': members,
  'PolicyService.ExternalRejectRelease': members,
  'PolicyService.GetExternalApprovalState': members,
  'PolicyService.GetReleaseRequirements': members,
  'PolicyService.GetReleaseOptions': members,
  'PolicyService.ListPendingApprovals': signedIn,
  'PolicyService.ListHistory': members,
  'ReleasePipelineService.CreateReleasePipeline': admins,
  'ReleasePipelineService.UpdateReleasePipeline': admins,
  'ReleasePipelineService.DeleteReleasePipeline': admins,
  'ReleasePipelineService.ListReleasePipelines': members,
  'ReleaseService.AnnotateRelease': members,
  'ReleaseService.Release': members,
  'ReleaseService.WaitRelease': members,
  'ReleaseService.GetArtifactBySlug': members,
  'ReleaseService.GetArtifactsByProject': members,
  'ReleaseService.GetOrganisations': signedIn,
  'ReleaseService.GetProjects': members,
  'ReleaseService.CreateProject': admins,
  'ReleaseService.GetProject': members,
  'ReleaseService.UpdateProject': admins,
  'ReleaseService.GetDestinationStates': members,
  'ReleaseService.GetReleaseIntentStates': members,
  'ReleaseService.ApprovePlanStage': members,
  // The member has just approved it.
  'ReleaseService.RejectPlanStage': [NOT_IN, GONE, 'failed_precondition', 'failed_precondition'],
  'ReleaseService.GetPlanOutput': members,
  'ReleaseService.CancelRelease': admins,
  // A user's token opens no report.
  'ReleaseService.ReportRelease': everyone(NOT_IN),
  'SessionService.SignIn': anybody,
  'SessionService.SignOut': anybody,
  'SessionService.GetSession': anybody,
  'SessionService.SetUp': everyone('failed_precondition'),
  'StatusService.Status': anybody,
  'UsersService.Register': everyone('already_exists'),
  'UsersService.Login': anybody,
  'UsersService.RefreshToken': everyone(NOT_IN),
  'UsersService.Logout': anybody,
  // An admin of any organisation has to find whom to add.
  'UsersService.GetUser': signedIn,
  'UsersService.ListUsers': signedIn,
  // The author's: nobody else's.
  'UsersService.ChangePassword': callers(NO),
  'UsersService.CreatePersonalAccessToken': callers(NO),
  'UsersService.ListPersonalAccessTokens': callers(NO),
  'UsersService.DeletePersonalAccessToken': callers(GONE),
  'UsersService.TokenInfo': signedIn,
};

const reads = (method: (typeof everyMethod)[number]) =>
  method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;

describe('who may call what', () => {
  test('every method has a row, and every row a method', () => {
    expect(Object.keys(TABLE).sort()).toEqual(everyMethod.map(nameOf).sort());
    expect(Object.keys(requestsFor(aim, 0)).sort()).toEqual(everyMethod.map(nameOf).sort());
  });

  test.each(everyMethod.map((method) => [nameOf(method), method] as const))('%s', async (name, method) => {
    const codes: string[] = [];
    const tokens = [null, outsider.token, w.reviewer.token, w.admin.token];
    for (const [n, token] of tokens.entries()) {
      const request = requestsFor(aim, `${name}-${n}`.replaceAll('.', '-'))[name] ?? {};
      codes.push((await callJson(app, method, request, token === null ? {} : bearer(token))).code);
    }
    expect(codes).toEqual(TABLE[name]);
  });

  test('credentials that ended, were never any or are of another kind open nothing', async () => {
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
    /^(SessionService|StatusService)\.|^UsersService\.(Register|Login|RefreshToken|Logout)$/;

  test.each([
    ['read', []],
    ['release', mayRelease],
    ['approve', mayApprove],
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
      const lacks = answer.code === NO && /lacks the scope/.test(answer.message);
      const allowed = reads(method) || name === 'ReleaseService.WaitRelease' || may.includes(name);
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

  test('an artifact that names somebody else as its source is still theirs to release, and not to approve', async () => {
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
    await w.reviewer.policies.approveRelease(vote);
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
