import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import { afterAll, describe, expect, test } from 'vitest';
import { PipelineRunStageStatus, ReleaseIntentStatus } from '#server/gen/forest/v1/releases_pb.ts';
import { accessRuleOf } from '#server/rpc/access-table.ts';
import { aimAt } from './aim.ts';
import { post } from './browser.ts';
import { callJson, everyMethod, nameOf, requestsFor } from './every-method.ts';
import { deployStage, gatedRelease, soakPolicy, stageWaits, voteOn } from './gate-world.ts';
import { startTestApp } from './harness.ts';
import { expectRefusal, refusal } from './refusal.ts';
import { ended, PASSWORD, person, personalToken, stateOf, type Target, world } from './world.ts';

const app = await startTestApp();
afterAll(() => app.stop());
const { w: aimed, aim } = await aimAt(app);
let w = aimed;
/** The admin of another organisation. */
const outsider = (await world(app)).admin;

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const NO = 'permission_denied';
const methodOf = (name: string) => {
  const found = everyMethod.find((method) => nameOf(method) === name);
  if (found === undefined) throw new Error(`there is no method ${name}`);
  return found;
};
const reads = (method: (typeof everyMethod)[number]) =>
  method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;

// access-table.test.ts calls every method as every kind of caller.
describe('isolation of organisations', () => {
  test('ids of another organisation are not found in a request for one’s own project', async () => {
    const theirs = await aimAt(app);
    const ours = await world(app);
    const { project, reviewer, admin, organisation, organisationId } = ours;
    const { aim: their } = theirs;
    const vote = { project, releaseIntentId: their.intentId, targetEnvironment: 'production' };
    const plan = { releaseIntentId: their.planIntentId, stageId: 'plan' };
    const member = { organisationId, userId: their.author.userId };
    const { artifactId } = await ours.artifact();
    const build = { project, context: { title: 'x' }, ref: { commitSha: 'abc' } };
    const annotation = { ...build, artifactId: their.artifactId };
    await expectRefusal(
      'NotFound',
      reviewer.policies.approveRelease(vote),
      reviewer.policies.rejectRelease(vote),
      reviewer.policies.getApprovalState(vote),
      admin.policies.approveRelease({ ...vote, forceBypass: true, comment: 'mine now' }),
      reviewer.policies.getReleaseRequirements(vote),
      reviewer.policies.evaluatePolicies(vote),
      ours.release(their.artifactId, ['staging']),
      admin.releases.cancelRelease({ releaseIntentId: their.intentId }),
      admin.environments.updateEnvironment({ id: their.environmentId, description: 'mine' }),
      admin.organisations.removeMember(member),
      admin.organisations.updateMemberRole({ ...member, role: 'admin' }),
      ours.release(artifactId, { destinations: [their.spareDestination] }),
      ours.release(artifactId, ['qa']),
      ours.release(artifactId, { usePipeline: true, pipeline: 'planned' }),
      reviewer.releases.getPlanOutput(plan),
      admin.releases.approvePlanStage(plan),
      admin.environments.deleteEnvironment({ id: their.environmentId }),
      admin.destinations.deleteDestination({ organisation, name: their.spareDestination }),
      reviewer.releases.annotateRelease(annotation),
    );
    await expectRefusal(
      'InvalidArgument',
      ours.pipeline('mixed', deployStage('go', 'qa')),
      ours.approvalPolicy(1, 'qa'),
      reviewer.releases.annotateRelease({ ...build, source: { userId: their.author.userId } }),
    );
    // Filters find nothing.
    const filter = { organisation, artifactId: their.artifactId, includeCompleted: true };
    expect((await reviewer.releases.getReleaseIntentStates(filter)).releaseIntents).toEqual([]);
    const states = await reviewer.releases.getDestinationStates(filter);
    expect(states.destinations.every((d) => d.releaseId === undefined)).toBe(true);
    const history = { organisation, releaseIntentId: their.intentId };
    expect((await reviewer.policies.listHistory(history)).entries).toEqual([]);
  });

  test('an error does not reveal whether the object exists', async () => {
    const nowhere = '01890000-0000-7000-8000-000000000000';
    const message = async (releaseIntentId: string) =>
      (await refusal(outsider.releases.cancelRelease({ releaseIntentId }))).message.replace(
        releaseIntentId,
        'ID',
      );
    expect(await message(aim.intentId)).toBe(await message(nowhere));
    const bySlug = async (slug: string) =>
      (await refusal(outsider.releases.getArtifactBySlug({ slug }))).message.replace(slug, 'SLUG');
    expect(await bySlug(aim.slug)).toBe(await bySlug('no-such-slug'));
  });
});

describe('a browser session', () => {
  test('requires its CSRF token for every method that writes', async () => {
    const credentials = { identifier: w.admin.username, password: PASSWORD };
    const { cookie } = await post(app, 'SessionService/SignIn', credentials);
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
    'ReleaseService.PlanAgain',
    'ReleaseService.RetryStage',
  ];
  const mayApprove = [
    'PolicyService.ApproveRelease',
    'PolicyService.RejectRelease',
    'PolicyService.WithdrawVote',
    'ReleaseService.EndHold',
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

  test('with the scope "admin" cannot create tokens or change how its owner signs in', () => {
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
      'UsersService.AddCommitAddress',
      'UsersService.RemoveCommitAddress',
    ]);
  });

  test.each([
    ['release', mayRelease],
    ['approve', mayApprove],
    ['admin', mayAdminister],
  ])('with the scope "%s" can use that and read', async (scope, may: readonly string[]) => {
    const { w: other, aim: there } = await aimAt(app);
    const { token } = await personalToken(app, other.admin, [scope]);
    for (const method of everyMethod) {
      const name = nameOf(method);
      if (needsNobody.test(name) || name === 'ReleaseService.ReportRelease') continue;
      const request = requestsFor(there, scope)[name] ?? {};
      const answer = await callJson(app, method, request, bearer(token));
      const lacks = answer.code === NO && /lacks the scope|Access tokens cannot call/.test(answer.message);
      const readable = reads(method) && !whole.includes(name);
      const allowed = readable || name === 'ReleaseService.WaitRelease' || may.includes(name);
      expect([name, lacks ? 'refused' : 'allowed']).toEqual([name, allowed ? 'allowed' : 'refused']);
    }
  });
});

describe('an author who tries to get around the gate', () => {
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

  test('is blocked with force, single destinations and concurrent requests', async () => {
    await gated();
    const requests: Target[] = [
      { environments: ['production'], force: true },
      { destinations: ['us-east'] },
      { destinations: ['us-east'], force: true },
      { environments: ['production'], destinations: ['eu-west'], force: true },
      { environments: ['staging'], destinations: ['us-east'], force: true },
    ];
    // Each of a build of its own: a second release of one build to the same destination is refused.
    const intents = await Promise.all(
      requests.map(async (to) => w.release((await w.artifact()).artifactId, to)),
    );
    for (const intentId of intents) await stageWaits(w, intentId);
    for (const intentId of intents) {
      const { steps } = await stateOf(w, intentId);
      expect(steps.filter((step) => step.environment === 'production')).toEqual([]);
    }
    // Votes are for one request: approving one opens no other.
    const [first = '', second = ''] = intents;
    await w.reviewer.policies.approveRelease(voteOn(w, first));
    await ended(w, first);
    await nothingStarted(second);
  });

  test('cannot use a name that looks like the environment’s', async () => {
    const artifactId = await gated();
    const names = ['Production', 'PRODUCTION', 'production ', ' production', 'production\n', 'prοduction'];
    for (const name of names) {
      const code = /^[A-Za-z]+$/.test(name) ? 'NotFound' : 'InvalidArgument';
      await expectRefusal(code, w.release(artifactId, [name]));
      await expectRefusal('InvalidArgument', w.approvalPolicy(1, name, 'odd'));
    }
  });

  test('cannot approve with any method or token of theirs', async () => {
    const artifactId = await gated();
    const intentId = await gatedRelease(w, artifactId);
    const token = await personalToken(app, w.author, ['admin', 'approve']);
    const vote = voteOn(w, intentId);
    const bypass = { ...vote, forceBypass: true, comment: 'urgent' };
    for (const { policies } of [w.author, token]) {
      await expectRefusal(
        'PermissionDenied',
        policies.approveRelease(vote),
        policies.approveRelease(bypass),
        policies.externalApproveRelease(vote),
        policies.externalApproveRelease(bypass),
        policies.rejectRelease(vote),
      );
    }
    await nothingStarted(intentId);
    const { organisationId } = w;
    const { userId } = w.author;
    const { updateMemberRole, addMember } = w.author.organisations;
    const friend = await person(app, 'friend');
    const member = { organisationId, userId: friend.userId };
    await expectRefusal(
      'PermissionDenied',
      updateMemberRole({ organisationId, userId, role: 'admin' }),
      addMember({ ...member, role: 'member' }),
    );
    await expectRefusal('NotFound', friend.organisations.addMember({ ...member, role: 'admin' }));
  });

  test('cannot approve an artifact by naming another member as its source; that member can', async () => {
    await gated();
    const { artifact } = await w.author.releases.annotateRelease({
      project: w.project,
      context: { title: 'by another member' },
      ref: { commitSha: 'abc' },
      source: { userId: w.reviewer.userId, user: w.reviewer.username },
    });
    const intentId = await w.release(artifact?.artifactId ?? '', ['production']);
    const vote = voteOn(w, intentId);
    await expectRefusal('PermissionDenied', w.author.policies.approveRelease(vote));
    await w.reviewer.policies.approveRelease(vote);
    await ended(w, intentId);
  });

  test('loses a bypass with the admin role', async () => {
    const artifactId = await gated(2);
    await soakPolicy(w, 3_600);
    const second = w.reviewerTwo;
    await w.setRole(second, 'admin');
    const intentId = await gatedRelease(w, artifactId);
    const vote = voteOn(w, intentId);
    await second.policies.approveRelease({ ...vote, forceBypass: true, comment: 'before I go' });
    await stageWaits(w, intentId, PipelineRunStageStatus.PENDING);
    await w.setRole(second, 'member');
    await stageWaits(w, intentId);
    const { state } = await w.author.policies.getApprovalState(vote);
    expect(state).toMatchObject({ currentApprovals: 0, decisions: [{ bypass: true, counted: false }] });
    expect(state?.bypassedBy).toBeUndefined();
    await w.admin.policies.deletePolicy({ project: w.project, name: 'soak' });
    await stageWaits(w, intentId);
    await nothingStarted(intentId);
  });
});
