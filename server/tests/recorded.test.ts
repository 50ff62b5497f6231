import type { JsonObject } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import { v4 } from 'uuid';
import { afterAll, expect, test } from 'vitest';
import { PolicyService } from '#server/gen/forest/v1/policies_pb.ts';
import { SessionService } from '#server/gen/forest/v1/sessions_pb.ts';
import { UsersService } from '#server/gen/forest/v1/users_pb.ts';
import { aimAt, failedRelease, occupy, plannedRelease } from './aim.ts';
import { asBrowser, post } from './browser.ts';
import { callJson, everyMethod, nameOf, requestsFor } from './every-method.ts';
import { eventually, startTestApp } from './harness.ts';
import { describeProvider } from './oidc-world.ts';
import { PASSWORD, type Person } from './world.ts';

const oidcProviders = [describeProvider('acme', { issuer: 'http://127.0.0.1:9' })];
const app = await startTestApp({ config: { oidcProviders } });
afterAll(() => app.stop());
const { w, aim } = await aimAt(app);

interface Case {
  /** The kind of its entry. */
  readonly kind: string;
  readonly as: 'admin' | 'author' | 'reviewer' | 'reviewerTwo';
  /** Replaces the example in `every-method.ts`. */
  readonly request?: (() => JsonObject | Promise<JsonObject>) | undefined;
  /** The kind of the actor's credential; `access` by default. */
  readonly by?: string;
  /** The credential, unless it is the actor's access token. */
  readonly headers?: () => Promise<Record<string, string>>;
}

const made = (kind: string, as: Case['as'] = 'admin', request?: Case['request']): Case => ({
  kind,
  as,
  request,
});
const signIn = () => ({ identifier: w.reviewer.username, password: PASSWORD });
const newSession = async () => (await post(app, 'SessionService/SignIn', signIn())).cookie;
const logIn = async ({ username }: Person) => {
  const identifier = { case: 'username', value: username } as const;
  return (await app.client(UsersService, {}).login({ identifier, password: PASSWORD })).tokens;
};
const member = (role: string) => () => ({
  organisationId: aim.organisationId,
  userId: w.reviewerTwo.userId,
  role,
});
const disabled = (name: 'policy' | 'pipeline') => () => ({
  project: { ...aim.project },
  name: aim[name],
  enabled: false,
});

/** The history entry of each method that writes, in the order of the calls. */
const RECORDED: Readonly<Record<string, Case>> = {
  'OrganisationService.CreateOrganisation': made('organisation.created'),
  'OrganisationService.UpdateOrganisation': made('organisation.updated'),
  'OrganisationService.LeaveOrganisation': made('member.removed', 'reviewerTwo'),
  'OrganisationService.AddMember': made('member.added', 'admin', member('member')),
  'OrganisationService.RemoveMember': made('member.removed'),
  'OrganisationService.UpdateMemberRole': made('member.role_changed', 'admin', member('admin')),
  'OrganisationService.CreateJoinRule': made('join_rule.created'),
  'OrganisationService.DeleteJoinRule': made('join_rule.deleted', 'admin', async () => {
    const { organisationId } = aim;
    const { joinRules } = await w.admin.organisations.listJoinRules({ organisationId });
    return { organisationId, joinRuleId: joinRules[0]?.joinRuleId ?? '' };
  }),
  'ServiceAccountService.CreateServiceAccount': made('service_account.created'),
  'ServiceAccountService.DeleteServiceAccount': made('service_account.deleted'),
  'ServiceAccountService.CreateServiceAccountToken': made('service_account.token_created'),
  'ServiceAccountService.RevokeServiceAccountToken': made('service_account.token_revoked'),
  'EnvironmentService.CreateEnvironment': made('environment.created'),
  'EnvironmentService.UpdateEnvironment': made('environment.updated'),
  'EnvironmentService.DeleteEnvironment': made('environment.deleted'),
  'DestinationService.CreateDestination': made('destination.created'),
  'DestinationService.UpdateDestination': made('destination.updated'),
  'DestinationService.DeleteDestination': made('destination.deleted'),
  'ReleaseService.CreateProject': made('project.created'),
  'ReleaseService.UpdateProject': made('project.updated'),
  'ReleaseService.AnnotateRelease': made('artifact.annotated', 'author'),
  'ReleaseService.Release': made('release.requested', 'author', async () => ({
    artifactId: (await w.artifact()).artifactId,
    environments: ['production'],
  })),
  'PolicyService.CreatePolicy': made('policy.created'),
  'PolicyService.UpdatePolicy': made('policy.updated', 'admin', disabled('policy')),
  'PolicyService.DeletePolicy': made('policy.deleted'),
  'PolicyService.ApproveRelease': made('approval.approved', 'reviewer'),
  'PolicyService.RejectRelease': made('approval.rejected', 'reviewer'),
  'PolicyService.ExternalApproveRelease': made('approval.approved', 'reviewer'),
  'PolicyService.WithdrawVote': made('approval.withdrawn', 'reviewer'),
  'PolicyService.ExternalRejectRelease': made('approval.rejected', 'reviewer'),
  'ReleasePipelineService.CreateReleasePipeline': made('pipeline.created'),
  'ReleasePipelineService.UpdateReleasePipeline': made('pipeline.updated', 'admin', disabled('pipeline')),
  'ReleasePipelineService.DeleteReleasePipeline': made('pipeline.deleted'),
  'ReleaseService.RetryStage': made('stage.retried', 'author', async () => ({
    releaseIntentId: await failedRelease(w),
    stageId: 'failing',
  })),
  'ReleaseService.SettleDestination': made('destination.settled'),
  'ReleaseService.FreeDestination': made('destination.freed', 'admin', async () => {
    await occupy(app, aim);
    return { organisation: w.organisation, destination: 'eu', reason: 'looked at it' };
  }),
  'ReleaseService.RejectPlanStage': made('plan.rejected', 'reviewer'),
  'ReleaseService.CancelRelease': made('release.cancelled', 'author'),
  'ReleaseService.ApprovePlanStage': made('plan.approved', 'reviewer', async () => ({
    releaseIntentId: await plannedRelease(w, 'planned-again'),
    stageId: 'plan',
  })),
  'UsersService.Register': made('account.registered', 'admin', () => ({
    username: 'a-new-one',
    email: 'new@example.com',
    password: PASSWORD,
  })),
  'UsersService.Login': {
    ...made('account.signed_in', 'reviewer', () => ({ username: w.reviewer.username, password: PASSWORD })),
    by: 'password',
  },
  'UsersService.Logout': {
    ...made('account.signed_out', 'reviewer', async () => ({
      refreshToken: (await logIn(w.reviewer))?.refreshToken ?? '',
    })),
    by: 'refresh',
  },
  'UsersService.CreatePersonalAccessToken': made('account.token_created', 'author'),
  'UsersService.DeletePersonalAccessToken': made('account.token_revoked', 'author'),
  'UsersService.AddCommitAddress': made('account.commit_address_added', 'author'),
  'UsersService.RemoveCommitAddress': made('account.commit_address_removed', 'author'),
  'SessionService.SignIn': { ...made('account.signed_in', 'reviewer', signIn), by: 'password' },
  'SessionService.SignOut': {
    ...made('account.signed_out', 'reviewer'),
    by: 'session',
    headers: async () => asBrowser(await newSession()),
  },
  'SessionService.EndSession': made('account.signed_out', 'reviewer', async () => {
    await newSession();
    const { sessions } = await app.client(SessionService, w.reviewer).listSessions({});
    return { sessionId: sessions.find(({ current }) => !current)?.sessionId ?? '' };
  }),
  'SessionService.SignOutEverywhere': made('account.signed_out', 'reviewer'),
  'UsersService.ChangePassword': made('account.password_changed', 'author'),
};

/** Methods that write without an entry of their own, with the reason. */
const WITHOUT: Readonly<Record<string, string>> = {
  'ArtifactService.BeginUploadArtifact': 'files of a build that is not published until artifact.annotated',
  'ArtifactService.UploadArtifact': 'the same',
  'ArtifactService.CommitArtifact': 'the same',
  'IdentityService.ConnectIdentity':
    'only starts it; account.identity_connected at its end is in oidc-people.test.ts',
  'IdentityService.DisconnectIdentity':
    'account.identity_disconnected needs an identity; see oidc-people.test.ts',
  'ReleaseService.EndHold': 'hold.ended needs a rollback; see live.test.ts',
  'ReleaseService.PlanAgain': 'plan.repeated needs a plan that is out of date; see live.test.ts',
  'ReleaseService.ReportRelease': 'deployment.… by the token of a delivery, in webhook.test.ts',
  'SessionService.SetUp':
    'organisation.created and account.signed_in, on an empty server, in sessions.test.ts',
  'UsersService.RefreshToken': 'continues the login; its end by a spent token is tested below',
};

const writes = everyMethod.filter(
  (method) =>
    method.parent.typeName.startsWith('forest.') &&
    method.idempotency !== MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS,
);

test('each method that writes is recorded, or listed with the reason why not', () => {
  const known = [...Object.keys(RECORDED), ...Object.keys(WITHOUT)].sort();
  // Streams that only read are not marked as such, because GET is for unary calls.
  const streams = ['ReleaseService.WaitRelease'];
  const all = writes.map(nameOf).filter((name) => !streams.includes(name));
  expect(known).toEqual(all.sort());
});

test.each(Object.entries(RECORDED))(
  'the entry of %s has its actor, credential, address and request',
  async (name, { kind, as, by = 'access', request, headers }) => {
    const method = everyMethod.find((one) => nameOf(one) === name);
    if (method === undefined) throw new Error(`there is no ${name}`);
    const actor = w[as];
    const requestId = v4();
    const body = (await request?.()) ?? requestsFor(aim, v4().slice(0, 8))[name] ?? {};
    const credential = (await headers?.()) ?? { authorization: `Bearer ${actor.token}` };
    const answer = await callJson(app, method, body, { ...credential, 'x-request-id': requestId });
    expect(answer, answer.message).toMatchObject({ status: 200 });
    const { rows } = await app.context.db.pool.query(
      `select kind, actor_id as actor, credential_kind as by, credential_id is not null as "hasCredential", address
         from history where request_id = $1 and actor_id is not null order by id`,
      [requestId],
    );
    expect(rows).toEqual([{ kind, actor: actor.userId, by, hasCredential: true, address: '127.0.0.1' }]);
  },
);

/** Entries of a kind in an organisation's history, by one user or any. */
const entriesOf = async (kind: string, actorUserId?: string, organisation = w.organisation) =>
  (await w.admin.policies.listHistory({ organisation, kind, actorUserId })).entries;

test('records a refused sign-in for the named user, without the typed password', async () => {
  const typed = 'a wrong guess of mine';
  const { userId, username } = w.reviewerTwo;
  await post(app, 'SessionService/SignIn', { identifier: username, password: typed });
  const [found] = await eventually(async () => {
    const entries = await entriesOf('account.sign_in_refused', userId);
    return entries.length > 0 && entries;
  }, 'the refusal to be appended');
  const requestId = expect.stringMatching(/./);
  expect(found).toMatchObject({ credentialKind: 'password', address: '127.0.0.1', requestId });
  const { rows } = await app.context.db.pool.query('select h::text as text from history h');
  expect(rows.filter(({ text }) => text.includes(typed))).toEqual([]);
});

test('records the end of a login by a spent refresh token, without an actor', async () => {
  const refreshToken = (await logIn(w.reviewerTwo))?.refreshToken ?? '';
  const refresh = () => app.client(UsersService, {}).refreshToken({ refreshToken });
  await refresh();
  await expect(refresh()).rejects.toThrow();
  const entries = await entriesOf('account.signed_out');
  expect(entries.filter(({ actorUserId }) => actorUserId === undefined)).toMatchObject([
    { credentialKind: 'refresh', subject: `user ${w.reviewerTwo.username}` },
  ]);
});

test('records account events in each organisation of the user, hidden from other members', async () => {
  const name = `second-${v4().slice(0, 8)}`;
  const { organisationId } = await w.admin.organisations.createOrganisation({ name });
  const { userId } = w.reviewerTwo;
  await w.admin.organisations.addMember({ organisationId, userId, role: 'member' });
  await logIn(w.reviewerTwo);
  for (const organisation of [w.organisation, name]) {
    const [entry] = await entriesOf('account.signed_in', userId, organisation);
    expect(entry?.address, organisation).toBe('127.0.0.1');
  }
  const member = await w.reviewer.policies.listHistory({ organisation: w.organisation, pageSize: 500 });
  const accounts = member.entries.filter((entry) => entry.kind.startsWith('account.'));
  expect(new Set(accounts.map(({ actorUserId }) => actorUserId))).toEqual(new Set([w.reviewer.userId]));
  const others = member.entries.filter(({ actorUserId }) => actorUserId !== w.reviewer.userId);
  expect(others.filter(({ address }) => address !== undefined)).toEqual([]);
});

test("hides account events from an admin's read-only token", async () => {
  const { userId } = w.admin;
  const { rawToken } = await app
    .client(UsersService, w.admin)
    .createPersonalAccessToken({ userId, name: 'reader', scopes: ['read'] });
  const reader = app.client(PolicyService, { token: rawToken });
  const { entries } = await reader.listHistory({ organisation: w.organisation, pageSize: 500 });
  const others = entries.filter(({ actorUserId }) => actorUserId !== userId);
  expect(others.length).toBeGreaterThan(0);
  const isHidden = others.every(({ kind, address }) => !kind.startsWith('account.') && address === undefined);
  expect(isHidden).toBe(true);
});

test('leaves a valid hash chain', async () => {
  expect(await w.admin.policies.verifyHistory({ organisation: w.organisation })).toMatchObject({ ok: true });
});
