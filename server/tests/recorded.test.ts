import type { JsonObject } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import { v4 } from 'uuid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PolicyService } from '#server/gen/forest/v1/policies_pb.ts';
import { SessionService } from '#server/gen/forest/v1/sessions_pb.ts';
import { UsersService } from '#server/gen/forest/v1/users_pb.ts';
import { aimAt, PASSWORD } from './aim.ts';
import { type Aim, callJson, everyMethod, nameOf, requestsFor } from './every-method.ts';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import type { Person, World } from './world.ts';

let app: TestApp;
let w: World;
let aim: Aim;
beforeAll(async () => {
  app = await startTestApp({
    config: {
      oidcProviders: [
        {
          id: 'acme',
          name: 'Acme',
          issuer: 'http://127.0.0.1:9',
          clientId: 'forage',
          clientSecret: null,
          allowedDomains: [],
          scopes: 'openid',
        },
      ],
    },
  });
  ({ w, aim } = await aimAt(app));
});
afterAll(() => app.stop());

type Name = 'admin' | 'author' | 'reviewer' | 'reviewerTwo';

interface Case {
  /** The kinds of its entries in one organisation, in order. */
  readonly kinds: readonly string[];
  readonly as?: Name;
  /** How the actor had shown who they are; `access` if nothing is said. */
  readonly by?: string;
  /** In place of the example in `every-method.ts`, or beside it. */
  readonly request?: () => JsonObject | Promise<JsonObject>;
  readonly headers?: () => Promise<Record<string, string>>;
}

const sessionOf = async (): Promise<{ cookie: string; csrf: string }> => {
  const response = await fetch(`${app.url}/forest.v1.SessionService/SignIn`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ identifier: w.reviewer.username, password: PASSWORD }),
  });
  const { session } = (await response.json()) as { session: { csrfToken: string } };
  return { cookie: response.headers.get('set-cookie')?.split(';', 1)[0] ?? '', csrf: session.csrfToken };
};

const made = (kind: string, as: Name = 'admin'): Case => ({ kinds: [kind], as });

/** What each method that writes puts into the history, in the order in which they are tried. */
const RECORDED: Readonly<Record<string, Case>> = {
  'OrganisationService.CreateOrganisation': made('organisation.created'),
  'OrganisationService.LeaveOrganisation': made('member.removed', 'reviewerTwo'),
  'OrganisationService.AddMember': {
    ...made('member.added'),
    request: () => ({ organisationId: aim.organisationId, userId: w.reviewerTwo.userId, role: 'member' }),
  },
  'OrganisationService.RemoveMember': made('member.removed'),
  'OrganisationService.UpdateMemberRole': {
    ...made('member.role_changed'),
    request: () => ({ organisationId: aim.organisationId, userId: w.reviewerTwo.userId, role: 'admin' }),
  },
  'OrganisationService.CreateJoinRule': made('join_rule.created'),
  'OrganisationService.DeleteJoinRule': {
    ...made('join_rule.deleted'),
    async request() {
      const { organisationId } = aim;
      const { joinRules } = await w.admin.organisations.listJoinRules({ organisationId });
      return { organisationId, joinRuleId: joinRules[0]?.joinRuleId ?? '' };
    },
  },
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
  'ReleaseService.Release': made('release.requested', 'author'),
  'PolicyService.CreatePolicy': made('policy.created'),
  'PolicyService.UpdatePolicy': {
    ...made('policy.updated'),
    request: () => ({ project: { ...aim.project }, name: aim.policy, enabled: false }),
  },
  'PolicyService.DeletePolicy': made('policy.deleted'),
  'PolicyService.ApproveRelease': made('approval.approved', 'reviewer'),
  'PolicyService.RejectRelease': made('approval.rejected', 'reviewer'),
  'PolicyService.ExternalApproveRelease': made('approval.approved', 'reviewer'),
  'PolicyService.ExternalRejectRelease': made('approval.rejected', 'reviewer'),
  'ReleasePipelineService.CreateReleasePipeline': made('pipeline.created'),
  'ReleasePipelineService.UpdateReleasePipeline': {
    ...made('pipeline.updated'),
    request: () => ({ project: { ...aim.project }, name: aim.pipeline, enabled: false }),
  },
  'ReleasePipelineService.DeleteReleasePipeline': made('pipeline.deleted'),
  'ReleaseService.RejectPlanStage': made('plan.rejected', 'reviewer'),
  'ReleaseService.CancelRelease': made('release.cancelled', 'author'),
  'UsersService.Register': {
    ...made('account.registered'),
    request: () => ({ username: 'a-new-one', email: 'new@example.com', password: PASSWORD }),
  },
  'UsersService.Login': {
    ...made('account.signed_in', 'reviewer'),
    by: 'password',
    request: () => ({ username: w.reviewer.username, password: PASSWORD }),
  },
  'UsersService.Logout': {
    ...made('account.signed_out', 'reviewer'),
    by: 'refresh',
    async request() {
      const users = app.client(UsersService, {});
      const identifier = { case: 'username', value: w.reviewer.username } as const;
      const { tokens } = await users.login({ identifier, password: PASSWORD });
      return { refreshToken: tokens?.refreshToken ?? '' };
    },
  },
  'UsersService.CreatePersonalAccessToken': made('account.token_created', 'author'),
  'UsersService.DeletePersonalAccessToken': made('account.token_revoked', 'author'),
  'SessionService.SignIn': {
    ...made('account.signed_in', 'reviewer'),
    by: 'password',
    request: () => ({ identifier: w.reviewer.username, password: PASSWORD }),
  },
  'SessionService.SignOut': {
    ...made('account.signed_out', 'reviewer'),
    by: 'session',
    async headers() {
      const { cookie, csrf } = await sessionOf();
      return { cookie, 'x-csrf-token': csrf, authorization: '' };
    },
  },
  'SessionService.EndSession': {
    ...made('account.signed_out', 'reviewer'),
    async request() {
      await sessionOf();
      const { sessions } = await app.client(SessionService, w.reviewer).listSessions({});
      return { sessionId: sessions.find(({ current }) => !current)?.sessionId ?? '' };
    },
  },
  'SessionService.SignOutEverywhere': made('account.signed_out', 'reviewer'),
  'UsersService.ChangePassword': made('account.password_changed', 'author'),
};

/** Methods that write something and have no entry of their own. */
const WITHOUT: Readonly<Record<string, string>> = {
  'ArtifactService.BeginUploadArtifact':
    'files of a build that nobody knows of yet: artifact.annotated makes it known',
  'ArtifactService.UploadArtifact': 'likewise',
  'ArtifactService.CommitArtifact': 'likewise',
  'IdentityService.ConnectIdentity':
    'only begins it: account.identity_connected at its end, in oidc-people.test.ts',
  'IdentityService.DisconnectIdentity':
    'account.identity_disconnected takes an identity: in oidc-people.test.ts',
  'ReleaseService.ApprovePlanStage': 'plan.approved, below, as its plan has one verdict only',
  'ReleaseService.ReportRelease': 'deployment.… by the token of a delivery, in webhook.test.ts',
  'SessionService.SetUp':
    'organisation.created and account.signed_in, on an empty server, in sessions.test.ts',
  'UsersService.RefreshToken': 'the login goes on; that one ends by a spent token stands below',
};

const writes = everyMethod.filter(
  (method) =>
    method.parent.typeName.startsWith('forest.') &&
    method.idempotency !== MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS,
);

test('each method that writes is recorded, or stands in the list of those that are not, with the reason', () => {
  const known = [...Object.keys(RECORDED), ...Object.keys(WITHOUT)].sort();
  // Methods that only read and stream: GET is not for them, so they are not marked.
  const streams = ['ReleaseService.WaitRelease'];
  const all = writes.map(nameOf).filter((name) => !streams.includes(name));
  expect(known).toEqual(all.sort());
});

interface Entry {
  readonly organisation_id: string | null;
  readonly kind: string;
  readonly actor_id: string | null;
  readonly credential_kind: string | null;
  readonly credential_id: string | null;
  readonly address: string | null;
}

const entriesOf = async (requestId: string): Promise<Entry[]> => {
  const { rows } = await app.context.db.pool.query<Entry>(
    `select organisation_id, kind, actor_id, credential_kind, credential_id, address from history
      where request_id = $1 order by id`,
    [requestId],
  );
  return rows;
};

describe('the entry of', () => {
  test.each(Object.keys(RECORDED))('%s has its actor, credential, address and request', async (name) => {
    const method = everyMethod.find((one) => nameOf(one) === name);
    const recorded = RECORDED[name];
    if (method === undefined || recorded === undefined) throw new Error(`there is no ${name}`);
    const actor: Person = w[recorded.as ?? 'admin'];
    const requestId = v4();
    const request = (await recorded.request?.()) ?? requestsFor(aim, v4().slice(0, 8))[name] ?? {};
    const headers: Record<string, string> = {
      authorization: `Bearer ${actor.token}`,
      'x-request-id': requestId,
      ...(await recorded.headers?.()),
    };
    if (headers['authorization'] === '') delete headers['authorization'];
    const answer = await callJson(app, method, request, headers);
    expect(answer, answer.message).toMatchObject({ status: 200 });
    const own = (await entriesOf(requestId)).filter(({ actor_id }) => actor_id !== null);
    expect(own.map(({ kind }) => kind)).toEqual(recorded.kinds);
    for (const entry of own) {
      const credential_kind = recorded.by ?? 'access';
      expect(entry).toMatchObject({ actor_id: actor.userId, credential_kind, address: '127.0.0.1' });
      expect(entry.credential_id).not.toBeNull();
    }
  });
});

test('a plan that is approved is recorded as well', async () => {
  await w.admin.pipelines.createReleasePipeline({
    project: w.project,
    name: 'planned-again',
    stages: [{ id: 'plan', config: { case: 'plan', value: { environment: 'staging' } } }],
  });
  const { intents } = await w.author.releases.release({
    artifactId: (await w.artifact()).artifactId,
    usePipeline: true,
    pipeline: 'planned-again',
  });
  const plan = { releaseIntentId: intents[0]?.releaseIntentId ?? '', stageId: 'plan' };
  await eventually(
    async () => w.reviewer.releases.approvePlanStage(plan).catch(() => false as const),
    'a plan',
  );
  const { entries } = await w.reviewer.policies.listHistory({
    organisation: w.organisation,
    releaseIntentId: plan.releaseIntentId,
    kind: 'plan.approved',
  });
  expect(entries).toMatchObject([{ actorUserId: w.reviewer.userId, credentialKind: 'access' }]);
});

const accountEntries = async (person: Person, kind: string) =>
  (await w.admin.policies.listHistory({ organisation: w.organisation, kind, actorUserId: person.userId }))
    .entries;

test('a sign-in that is refused is in the record of who was named, and tells nothing of what was typed', async () => {
  const users = app.client(UsersService, {});
  const typed = 'a wrong guess of mine';
  const wrong = users.login({
    identifier: { case: 'username', value: w.reviewerTwo.username },
    password: typed,
  });
  await expect(wrong).rejects.toThrow();
  const found = await eventually(async () => {
    const entries = await accountEntries(w.reviewerTwo, 'account.sign_in_refused');
    return entries.length > 0 && entries;
  }, 'the refusal to be appended');
  expect(found).toMatchObject([{ credentialKind: 'password', address: '127.0.0.1' }]);
  expect(found[0]?.requestId).toMatch(/./);
  const { rows } = await app.context.db.pool.query('select h::text as text from history h');
  expect(rows.filter(({ text }) => text.includes(typed))).toEqual([]);
});

test('a login that ends because a spent token of it is shown again is recorded, as done by nobody', async () => {
  const users = app.client(UsersService, {});
  const identifier = { case: 'username', value: w.reviewerTwo.username } as const;
  const { tokens } = await users.login({ identifier, password: PASSWORD });
  const refreshToken = tokens?.refreshToken ?? '';
  await users.refreshToken({ refreshToken });
  await expect(users.refreshToken({ refreshToken })).rejects.toThrow();
  const { entries } = await w.admin.policies.listHistory({
    organisation: w.organisation,
    kind: 'account.signed_out',
  });
  const ended = entries.filter(({ actorUserId }) => actorUserId === undefined);
  expect(ended).toMatchObject([{ credentialKind: 'refresh', subject: `user ${w.reviewerTwo.username}` }]);
});

test('what concerns an account stands in each organisation of the user, and is not for other members', async () => {
  const name = `second-${v4().slice(0, 8)}`;
  const { organisationId } = await w.admin.organisations.createOrganisation({ name });
  const { userId } = w.reviewerTwo;
  await w.admin.organisations.addMember({ organisationId, userId, role: 'member' });
  const users = app.client(UsersService, {});
  const identifier = { case: 'username', value: w.reviewerTwo.username } as const;
  await users.login({ identifier, password: PASSWORD });
  const kind = 'account.signed_in';
  for (const organisation of [w.organisation, name]) {
    const { entries } = await w.admin.policies.listHistory({ organisation, kind, actorUserId: userId });
    expect(entries.length, organisation).toBeGreaterThan(0);
    expect(entries[0]?.address).toBe('127.0.0.1');
  }
  const member = await w.reviewer.policies.listHistory({ organisation: w.organisation, pageSize: 500 });
  const accounts = member.entries.filter((entry) => entry.kind.startsWith('account.'));
  expect(accounts.length).toBeGreaterThan(0);
  expect(new Set(accounts.map(({ actorUserId }) => actorUserId))).toEqual(new Set([w.reviewer.userId]));
  const others = member.entries.filter(({ actorUserId }) => actorUserId !== w.reviewer.userId);
  expect(others.filter(({ address }) => address !== undefined)).toEqual([]);
});

test("an admin's token that may only read is shown as little of accounts as a member is", async () => {
  const { rawToken } = await app.client(UsersService, w.admin).createPersonalAccessToken({
    userId: w.admin.userId,
    name: 'reader',
    scopes: ['read'],
  });
  const reader = app.client(PolicyService, { token: rawToken });
  const { entries } = await reader.listHistory({ organisation: w.organisation, pageSize: 500 });
  const others = entries.filter(({ actorUserId }) => actorUserId !== w.admin.userId);
  expect(others.length).toBeGreaterThan(0);
  expect(others.filter(({ kind, address }) => kind.startsWith('account.') || address !== undefined)).toEqual(
    [],
  );
});

test('after all of it the chain fits', async () => {
  expect(await w.admin.policies.verifyHistory({ organisation: w.organisation })).toMatchObject({ ok: true });
});
