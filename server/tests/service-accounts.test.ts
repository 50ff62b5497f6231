import { Code, ConnectError } from '@connectrpc/connect';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { OrganisationService } from '#server/gen/forest/v1/organisations_pb.ts';
import { PolicyService, PolicyWarningKind } from '#server/gen/forest/v1/policies_pb.ts';
import { ReleaseIntentStatus, ReleaseService } from '#server/gen/forest/v1/releases_pb.ts';
import { SessionService } from '#server/gen/forest/v1/sessions_pb.ts';
import { UsersService } from '#server/gen/forest/v1/users_pb.ts';
import { aimAt, PASSWORD } from './aim.ts';
import { callJson, everyMethod, nameOf, requestsFor } from './every-method.ts';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import { actingBy, ended, type Person, type Pipeline, stateOf, type World, world } from './world.ts';

let app: TestApp;
let w: World;
let pipeline: Pipeline;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.stop());
beforeEach(async () => {
  w = await world(app);
  pipeline = await w.serviceAccount('ci');
});

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

async function sql(text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: app.databaseUrl });
  await client.connect();
  return (await client.query(text, values).finally(() => client.end())).rows as Record<string, unknown>[];
}

const annotate = async (by: Person, source: object | undefined) => {
  const { artifact } = await by.releases.annotateRelease({
    project: w.project,
    context: { title: 'Round totals half up' },
    ref: { commitSha: 'a'.repeat(40), branch: 'main' },
    ...(source === undefined ? {} : { source }),
  });
  if (artifact === undefined) throw new Error('no artifact');
  return artifact;
};

/** A release of an artifact with that source that waits for one approval of production. */
async function waiting(by: Person, source: object | undefined, annotatedBy: Person = by) {
  await w.approvalPolicy(1);
  const artifact = await annotate(annotatedBy, source);
  const intentId = await w.release(artifact.artifactId, ['production'], by);
  await eventually(
    async () => (await stateOf(w, intentId)).stages.some((s) => s.approvalStatus === 'AWAITING'),
    'the gate to hold it',
  );
  const vote = { project: w.project, releaseIntentId: intentId, targetEnvironment: 'production' };
  return { artifact, intentId, vote };
}

describe('admins', () => {
  test('make accounts and tokens, list them, and delete them; the history keeps all of it', async () => {
    const { organisationId, organisation, admin } = w;
    const listed = async () =>
      (await admin.serviceAccounts.listServiceAccounts({ organisationId })).serviceAccounts;
    expect(await listed()).toMatchObject([
      {
        serviceAccountId: pipeline.userId,
        name: 'ci',
        username: 'ci (service account)',
        tokens: [{ tokenId: pipeline.tokenId, name: 'ci', scopes: ['read', 'release'] }],
      },
    ]);
    expect(pipeline.token).toMatch(/^forage_b_[\w-]{43}[0-9A-Za-z]{6}$/);
    const again = admin.serviceAccounts.createServiceAccount({ organisationId, name: 'CI' });
    expect(await codeOf(again)).toBe(Code.AlreadyExists);

    await pipeline.releases.getProjects({ query: { case: 'organisation', value: { organisation } } });
    await eventually(
      async () => (await listed())[0]?.tokens[0]?.lastUsed !== undefined,
      'its use to be told',
    );

    const account = { organisationId, serviceAccountId: pipeline.userId };
    // An id may be written in capitals; the record has it as it was made.
    const revoked = { ...account, tokenId: pipeline.tokenId.toUpperCase() };
    await admin.serviceAccounts.revokeServiceAccountToken(revoked);
    expect(await codeOf(admin.serviceAccounts.revokeServiceAccountToken(revoked))).toBe(Code.NotFound);
    await admin.serviceAccounts.deleteServiceAccount(account);
    expect(await codeOf(admin.serviceAccounts.deleteServiceAccount(account))).toBe(Code.NotFound);
    const token = { ...account, name: 'late', scopes: ['read'] };
    expect(await codeOf(admin.serviceAccounts.createServiceAccountToken(token))).toBe(Code.NotFound);
    expect(await listed()).toEqual([]);
    // The name is free again.
    await admin.serviceAccounts.createServiceAccount({ organisationId, name: 'ci' });

    const { entries } = await admin.policies.listHistory({ organisation });
    expect(entries.map(({ kind }) => kind).filter((kind) => kind.startsWith('service_account'))).toEqual([
      'service_account.created',
      'service_account.deleted',
      'service_account.token_revoked',
      'service_account.token_created',
      'service_account.created',
    ]);
    const told = JSON.stringify(entries.map(({ before, after }) => [before, after]));
    expect(told.split(pipeline.tokenId)).toHaveLength(3);
    expect(told).not.toContain('forage_b_');
  });

  test('cannot make them vote or administer by a scope, nor reach those of another organisation', async () => {
    const other = await world(app);
    const foreign = { organisationId: other.organisationId, serviceAccountId: pipeline.userId };
    const calls = other.admin.serviceAccounts;
    expect(await codeOf(calls.deleteServiceAccount(foreign))).toBe(Code.NotFound);
    expect(await codeOf(calls.revokeServiceAccountToken({ ...foreign, tokenId: pipeline.tokenId }))).toBe(
      Code.NotFound,
    );
    const token = { ...foreign, name: 'mine now', scopes: ['read'] };
    expect(await codeOf(calls.createServiceAccountToken(token))).toBe(Code.NotFound);
    for (const scope of ['approve', 'admin']) {
      const call = w.admin.serviceAccounts.createServiceAccountToken({
        organisationId: w.organisationId,
        serviceAccountId: pipeline.userId,
        name: 'too much',
        scopes: [scope],
      });
      expect(await codeOf(call)).toBe(Code.InvalidArgument);
    }
    // A person is none, whatever the ids say.
    const person = { organisationId: w.organisationId, serviceAccountId: w.author.userId };
    expect(await codeOf(w.admin.serviceAccounts.deleteServiceAccount(person))).toBe(Code.NotFound);
  });

  test('find no service account among people, and make none a member', async () => {
    const { organisationId, admin } = w;
    const { userId, username } = pipeline;
    const users = app.client(UsersService, admin);
    expect(await codeOf(users.getUser({ identifier: { case: 'userId', value: userId } }))).toBe(
      Code.NotFound,
    );
    expect((await users.listUsers({ search: 'service' })).users).toEqual([]);
    const { members } = await admin.organisations.listMembers({ organisationId });
    expect(members.map((member) => member.username)).not.toContain(username);
    expect(await codeOf(admin.organisations.addMember({ organisationId, userId, role: 'admin' }))).toBe(
      Code.NotFound,
    );
    const insert = `insert into memberships (organisation_id, user_id, role, joined_at) values ($1, $2, 'admin', now())`;
    await expect(sql(insert, [organisationId, userId])).rejects.toThrow('cannot be a member');
    await expect(sql(`update users set password_hash = 'x' where id = $1`, [userId])).rejects.toThrow(
      'users_service_signs_in_never',
    );
  });
});

describe('a service account', () => {
  const mayRead = [
    'ArtifactService.GetArtifactFiles',
    'DestinationService.GetDestinations',
    'DestinationService.ListDestinationTypes',
    'EnvironmentService.GetEnvironment',
    'EnvironmentService.ListEnvironments',
    'OrganisationService.GetOrganisation',
    'PolicyService.ListPolicies',
    'PolicyService.EvaluatePolicies',
    'PolicyService.GetApprovalState',
    'PolicyService.GetExternalApprovalState',
    'PolicyService.GetReleaseRequirements',
    'PolicyService.GetReleaseOptions',
    'ReleasePipelineService.ListReleasePipelines',
    'ReleaseService.WaitRelease',
    'ReleaseService.GetArtifactBySlug',
    'ReleaseService.GetArtifactsByProject',
    'ReleaseService.GetProjects',
    'ReleaseService.GetProject',
    'ReleaseService.GetDestinationStates',
    'ReleaseService.GetReleaseIntentStates',
    'ReleaseService.GetPlanOutput',
  ];
  const mayRelease = [
    'ArtifactService.BeginUploadArtifact',
    'ReleaseService.AnnotateRelease',
    'ReleaseService.Release',
  ];
  /** Not its own upload or release. */
  const mayOwn: Readonly<Record<string, string>> = {
    'ArtifactService.UploadArtifact': 'not_found',
    'ArtifactService.CommitArtifact': 'not_found',
    'ReleaseService.CancelRelease': 'permission_denied',
  };
  const forAnybody =
    /^(SessionService\.(SignIn|SignOut|GetSession|SetUp)|StatusService|Health|ServerReflection)|^UsersService\.(Register|Login|RefreshToken|Logout|TokenInfo)$|ReportRelease$/;

  test.each([
    ['read', mayRead],
    ['release', [...mayRead, ...mayRelease]],
  ])(
    'by a token for "%s" can call what follows from it, and nothing else',
    async (scope, may) => {
      const { w: here, aim } = await aimAt(app);
      const foreign = await aimAt(app);
      const { token } = await here.serviceAccount(`only-${scope}`, [scope]);
      const headers = { authorization: `Bearer ${token}` };
      for (const method of everyMethod) {
        const name = nameOf(method);
        if (forAnybody.test(name)) continue;
        const answer = await callJson(app, method, requestsFor(aim, `sa-${scope}`)[name] ?? {}, headers);
        const own = scope === 'release' ? mayOwn[name] : undefined;
        const expected = own ?? (may.includes(name) ? 'ok' : 'permission_denied');
        expect([name, answer.code]).toEqual([name, expected]);
        if (own !== undefined || expected === 'ok') continue;
        expect(answer.message).toMatch(/service account|only an admin|lacks the scope/);
        // Of another organisation it sees nothing, and is not told what is there.
        const there = await callJson(
          app,
          method,
          requestsFor(foreign.aim, `sa-${scope}`)[name] ?? {},
          headers,
        );
        expect(['not_found', 'permission_denied']).toContain(there.code);
      }
      for (const name of [...mayRead, ...mayRelease]) {
        const method = everyMethod.find((one) => nameOf(one) === name);
        if (method === undefined || /BeginUpload|ListDestinationTypes/.test(name)) continue;
        const request = requestsFor(foreign.aim, `sa-${scope}`)[name] ?? {};
        expect([name, (await callJson(app, method, request, headers)).code]).toEqual([name, 'not_found']);
      }
    },
    60_000,
  );

  test('is the author of what it releases, uploads what it annotates, and cancels its own', async () => {
    const artifact = await annotate(pipeline, undefined);
    expect(artifact.source).toMatchObject({ user: 'ci (service account)', userId: pipeline.userId });
    const itself = await annotate(pipeline, { userId: pipeline.userId, sourceType: 'ci' });
    expect(itself.source).toMatchObject({ user: 'ci (service account)', authorUsernames: [] });
    await w.approvalPolicy(1);
    const intentId = await w.release(artifact.artifactId, ['production'], pipeline);
    expect(await stateOf(w, intentId)).toMatchObject({ actorUsername: 'ci (service account)' });
    const { intents: _, ...rest } = await pipeline.releases.release({
      artifactId: itself.artifactId,
      environments: ['staging'],
    });
    expect(rest).toBeDefined();
    await pipeline.releases.cancelRelease({ releaseIntentId: intentId });
    await ended(w, intentId, ReleaseIntentStatus.CANCELLED);
    await w.admin.serviceAccounts.deleteServiceAccount({
      organisationId: w.organisationId,
      serviceAccountId: pipeline.userId,
    });
    // Gone, and still who it was.
    expect(await stateOf(w, intentId)).toMatchObject({ actorUsername: 'ci (service account)' });
  });

  test('is nobody who could sign in, be a session, or have a voice', async () => {
    const sessions = app.client(SessionService, pipeline);
    expect((await sessions.getSession({})).session).toBeUndefined();
    const signIn = app
      .client(SessionService, {})
      .signIn({ identifier: pipeline.username, password: PASSWORD });
    expect(await codeOf(signIn)).toBe(Code.Unauthenticated);
    const { vote, intentId } = await waiting(w.author, undefined);
    const { policies } = actingBy(app, pipeline.token);
    expect(await refusal(policies.approveRelease(vote))).toEqual({
      code: Code.PermissionDenied,
      words: 'a service account can annotate, release and read: this takes a person',
    });
    const found = await policies.getReleaseRequirements({ project: w.project, releaseIntentId: intentId });
    expect(found.environments[0]).toMatchObject({
      canApprove: { allowed: false },
      canReject: { allowed: false },
      canBypass: { allowed: false },
    });
    const eligible = found.environments[0]?.evaluations[0]?.eligibleVoters ?? [];
    expect(JSON.stringify(eligible)).not.toContain('service account');
  });
});

describe('whose release it is', () => {
  test.each([
    ['their id', (p: Person) => ({ userId: p.userId })],
    ['their username', (p: Person) => ({ user: p.username })],
    [
      'their username in another case, with blanks',
      (p: Person) => ({ user: ` ${p.username.toUpperCase()} ` }),
    ],
    ['their address', (p: Person) => ({ user: 'Somebody', email: `${p.username}@Example.com` })],
    ['their address as the user', (p: Person) => ({ user: `${p.username}@example.com` })],
  ])('a member whom the source names by %s cannot approve it, and others can', async (_, source) => {
    const { artifact, intentId, vote } = await waiting(pipeline, source(w.reviewer));
    expect(artifact.source?.authorUsernames).toEqual([w.reviewer.username]);
    expect(await refusal(w.reviewer.policies.approveRelease(vote))).toEqual({
      code: Code.PermissionDenied,
      words: 'You cannot approve your own release.',
    });
    expect(await codeOf(w.reviewer.policies.externalApproveRelease(vote))).toBe(Code.PermissionDenied);
    expect(await codeOf(w.reviewer.policies.rejectRelease(vote))).toBe(Code.PermissionDenied);
    const mine = async (p: Person) =>
      (await p.policies.listPendingApprovals({})).approvals.map((one) => one.releaseIntentId);
    expect(await mine(w.reviewer)).not.toContain(intentId);
    expect(await mine(w.reviewerTwo)).toContain(intentId);
    const requirements = { project: w.project, releaseIntentId: intentId };
    const seen = await w.reviewer.policies.getReleaseRequirements(requirements);
    expect(seen).toMatchObject({ isReleaseAuthor: true, authorUserId: pipeline.userId });
    expect(seen.authors.map(({ username }) => username)).toEqual([pipeline.username, w.reviewer.username]);
    expect(seen.environments[0]?.canApprove?.allowed).toBe(false);
    await w.reviewerTwo.policies.approveRelease(vote);
    await ended(w, intentId);
  });

  test('two people can both be authors; an admin among them rejects and bypasses as authors may', async () => {
    const { intentId, vote } = await waiting(w.author, { user: w.admin.username });
    expect(await codeOf(w.author.policies.approveRelease(vote))).toBe(Code.PermissionDenied);
    expect(await codeOf(w.admin.policies.approveRelease(vote))).toBe(Code.PermissionDenied);
    await w.admin.policies.rejectRelease(vote);
    await w.admin.policies.approveRelease({ ...vote, forceBypass: true, comment: 'outage' });
    await ended(w, intentId);
  });

  test('their plan is approved by somebody else, and they may cancel', async () => {
    await w.admin.pipelines.createReleasePipeline({
      project: w.project,
      name: 'planned',
      stages: [{ id: 'plan', config: { case: 'plan', value: { environment: 'staging' } } }],
    });
    const { artifactId } = await annotate(pipeline, { user: w.reviewer.username });
    const { intents } = await pipeline.releases.release({ artifactId, usePipeline: true });
    const releaseIntentId = intents[0]?.releaseIntentId ?? '';
    const plan = { releaseIntentId, stageId: 'plan' };
    await eventually(
      async () => (await stateOf(w, releaseIntentId)).stages[0]?.approvalStatus === 'AWAITING',
      'a plan',
    );
    expect(await codeOf(w.reviewer.releases.approvePlanStage(plan))).toBe(Code.PermissionDenied);
    expect(await codeOf(w.reviewer.releases.rejectPlanStage(plan))).toBe(Code.PermissionDenied);
    expect(await codeOf(pipeline.releases.approvePlanStage(plan))).toBe(Code.PermissionDenied);
    expect(await codeOf(w.reviewerTwo.releases.cancelRelease({ releaseIntentId }))).toBe(
      Code.PermissionDenied,
    );
    await w.reviewer.releases.cancelRelease({ releaseIntentId });
    await ended(w, releaseIntentId, ReleaseIntentStatus.CANCELLED);
  });

  test('whoever annotates without a source, or names another, is an author where a service account asks', async () => {
    const silent = await waiting(pipeline, undefined, w.reviewer);
    expect(await codeOf(w.reviewer.policies.approveRelease(silent.vote))).toBe(Code.PermissionDenied);
    const forged = await annotate(w.reviewer, { user: w.reviewerTwo.username });
    const intentId = await w.release(forged.artifactId, ['production'], pipeline);
    const vote = { ...silent.vote, releaseIntentId: intentId };
    expect(await codeOf(w.reviewer.policies.approveRelease(vote))).toBe(Code.PermissionDenied);
    expect(await codeOf(w.reviewerTwo.policies.approveRelease(vote))).toBe(Code.PermissionDenied);
    await w.admin.policies.approveRelease(vote);
    await ended(w, intentId);
  });

  test('annotating the same build anew frees nobody: each artifact keeps its source for good', async () => {
    const { artifact, vote } = await waiting(pipeline, { user: w.reviewer.username });
    const again = pipeline.releases.annotateRelease({
      project: w.project,
      artifactId: artifact.artifactId,
      context: { title: 'by somebody else, as it says now' },
      ref: { commitSha: 'a'.repeat(40) },
      source: { user: 'nobody' },
    });
    expect(await codeOf(again)).toBe(Code.AlreadyExists);
    for (const column of ['source_user', 'source_email']) {
      const change = sql(`update artifacts set ${column} = 'nobody' where id = $1`, [artifact.artifactId]);
      await expect(change).rejects.toThrow('never changes');
    }
    expect(await codeOf(w.reviewer.policies.approveRelease(vote))).toBe(Code.PermissionDenied);
  });

  test('who becomes a user and a member later is an author then; nobody outside is told of', async () => {
    const username = `late-${w.organisation}`;
    const outside = await world(app);
    const { intentId, vote } = await waiting(pipeline, {
      user: username,
      email: `${outside.author.username}@example.com`,
    });
    const requirements = { project: w.project, releaseIntentId: intentId };
    const names = async () =>
      (await w.reviewer.policies.getReleaseRequirements(requirements)).authors.map((one) => one.username);
    expect(await names()).toEqual([pipeline.username]);
    const users = app.client(UsersService, {});
    const made = await users.register({ username, email: `${username}@example.com`, password: PASSWORD });
    const { organisationId } = w;
    for (const userId of [made.user?.userId ?? '', outside.author.userId]) {
      await w.admin.organisations.addMember({ organisationId, userId, role: 'member' });
    }
    expect((await names()).sort()).toEqual([outside.author.username, pipeline.username, username].sort());
    const late = app.client(PolicyService, { token: made.tokens?.accessToken ?? '' });
    expect(await codeOf(late.approveRelease(vote))).toBe(Code.PermissionDenied);
    expect(await codeOf(outside.author.policies.approveRelease(vote))).toBe(Code.PermissionDenied);
    await w.reviewer.policies.approveRelease(vote);
    await ended(w, intentId);
  });

  test('a vote that stands for somebody who turns out to be an author does not count', async () => {
    const { intentId, vote } = await waiting(pipeline, { user: w.reviewer.username });
    // As an earlier version of the server would have let it in.
    await sql(
      `insert into approval_decisions (release_intent_id, target_environment, user_id, username, decision)
       values ($1, 'production', $2, $3, 'approved')`,
      [intentId, w.reviewer.userId, w.reviewer.username],
    );
    await w.admin.policies.updatePolicy({
      project: w.project,
      name: await w.approvalPolicy(1),
      enabled: true,
    });
    const { state } = await w.admin.policies.getApprovalState(vote);
    expect(state).toMatchObject({
      currentApprovals: 0,
      decisions: [{ counted: false, notCountedReason: 'by an author of the release' }],
    });
    expect((await stateOf(w, intentId)).status).toBe(ReleaseIntentStatus.ACTIVE);
  });

  test('warnings and what is missing leave out every author', async () => {
    const { intentId } = await waiting(pipeline, { user: w.reviewer.username });
    await w.approvalPolicy(4, 'production', 'everybody');
    const found = await w.admin.policies.getReleaseRequirements({
      project: w.project,
      releaseIntentId: intentId,
    });
    const { warnings = [], evaluations = [] } = found.environments[0] ?? {};
    expect(warnings).toMatchObject([{ kind: PolicyWarningKind.NOT_ENOUGH_VOTERS, policyName: 'everybody' }]);
    const eligible = evaluations[0]?.eligibleVoters.map(({ username }) => username) ?? [];
    expect([...eligible].sort()).toEqual([w.admin, w.author, w.reviewerTwo].map((p) => p.username).sort());
  });
});

describe('an access token', () => {
  const tokenOf = async (owner: Person, scopes: string[]) => {
    const users = app.client(UsersService, owner);
    const { rawToken, token } = await users.createPersonalAccessToken({
      userId: owner.userId,
      name: 'x',
      scopes,
    });
    return {
      ...actingBy(app, rawToken),
      tokenId: token?.tokenId ?? '',
      users: app.client(UsersService, { token: rawToken }),
    };
  };

  test('votes with "approve" alone, and bypasses with "approve" and "admin" of an admin', async () => {
    const { intentId, vote } = await waiting(w.author, undefined);
    const bypass = { ...vote, forceBypass: true, comment: 'outage' };
    const admin = await tokenOf(w.admin, ['read', 'release', 'admin']);
    for (const call of [
      () => admin.policies.approveRelease(vote),
      () => admin.policies.rejectRelease(vote),
      () => admin.policies.externalApproveRelease(bypass),
      () => admin.policies.externalRejectRelease(vote),
    ]) {
      expect((await refusal(call())).words).toBe('this access token lacks the scope "approve"');
    }
    const voter = await tokenOf(w.admin, ['approve']);
    for (const call of [
      () => voter.policies.approveRelease(bypass),
      () => voter.policies.externalApproveRelease(bypass),
    ]) {
      expect((await refusal(call())).words).toBe('this access token lacks the scope "admin"');
    }
    const member = await tokenOf(w.reviewer, ['approve', 'admin']);
    expect((await refusal(member.policies.approveRelease(bypass))).words).toMatch(/Only an admin/);
    const both = await tokenOf(w.admin, ['approve', 'admin']);
    await both.policies.approveRelease(bypass);
    await ended(w, intentId);
  });

  test('makes no tokens, accounts, passwords or sessions, whatever its scopes', async () => {
    const all = await tokenOf(w.admin, ['read', 'release', 'approve', 'admin']);
    const { userId } = w.admin;
    const { organisationId } = w;
    const account = { organisationId, serviceAccountId: pipeline.userId };
    const passwords = { userId, currentPassword: PASSWORD, newPassword: 'quite another long passphrase' };
    for (const call of [
      () => all.users.createPersonalAccessToken({ userId, name: 'more', scopes: ['read'] }),
      () => all.users.deletePersonalAccessToken({ tokenId: all.tokenId }),
      () => all.users.changePassword(passwords),
      () => all.serviceAccounts.createServiceAccount({ organisationId, name: 'mine' }),
      () => all.serviceAccounts.createServiceAccountToken({ ...account, name: 'more', scopes: ['read'] }),
      () => all.serviceAccounts.revokeServiceAccountToken({ ...account, tokenId: pipeline.tokenId }),
      () => all.serviceAccounts.deleteServiceAccount(account),
      () => app.client(SessionService, all).signOutEverywhere({}),
    ]) {
      expect(await refusal(call())).toMatchObject({
        code: Code.PermissionDenied,
        words: expect.stringContaining('an access token cannot do this'),
      });
    }
    await all.serviceAccounts.listServiceAccounts({ organisationId });
  });

  test('makes no users where registration is closed, not even an admin’s', async () => {
    const closed = await startTestApp({ config: { databaseUrl: app.databaseUrl, registration: 'closed' } });
    try {
      const all = await tokenOf(w.admin, ['read', 'release', 'approve', 'admin']);
      const user = {
        username: `made-${w.organisation}`,
        email: `made-${w.organisation}@example.com`,
        password: PASSWORD,
      };
      for (const { token } of [all, pipeline]) {
        expect(await codeOf(closed.client(UsersService, { token }).register(user))).toBe(
          Code.PermissionDenied,
        );
      }
      await closed.client(UsersService, w.admin).register(user);
    } finally {
      await closed.stop();
    }
  });

  test('lives no longer than the server allows', async () => {
    const strict = await startTestApp({ config: { databaseUrl: app.databaseUrl, tokenMaxDays: 30 } });
    try {
      const { tokenMaxDays } = await strict.client(SessionService, {}).getSession({});
      expect(tokenMaxDays).toBe(30);
      const { userId } = w.author;
      const own = (seconds: number) =>
        strict.client(UsersService, w.author).createPersonalAccessToken({
          userId,
          name: 'long',
          scopes: ['read'],
          expiresInSeconds: BigInt(seconds),
        });
      const { organisationId } = w;
      const accounts = actingBy(strict, w.admin.token).serviceAccounts;
      const theirs = (seconds: number) =>
        accounts.createServiceAccountToken({
          organisationId,
          serviceAccountId: pipeline.userId,
          name: 'long',
          scopes: ['read'],
          expiresInSeconds: BigInt(seconds),
        });
      for (const make of [own, theirs]) {
        for (const seconds of [0, 30 * 86_400 + 1]) {
          const { code, words } = await refusal(make(seconds));
          expect([code, words]).toEqual([Code.InvalidArgument, expect.stringContaining('30 days')]);
        }
        const { token } = await make(30 * 86_400);
        expect(token?.expiresAt).toBeDefined();
      }
    } finally {
      await strict.stop();
    }
  });
});

describe('what was revoked is refused', () => {
  /** A watch that has been told something, and how it ends. */
  async function watching(by: TestApp, token: string, releaseIntentId: string) {
    const events = by
      .client(ReleaseService, { token })
      .waitRelease({ releaseIntentId })
      [Symbol.asyncIterator]();
    await events.next();
    return async () => {
      for (;;) if ((await events.next()).done === true) return 'ended';
    };
  }
  const ask = (by: TestApp, token: string) =>
    by.client(OrganisationService, { token }).getOrganisation({
      identifier: { case: 'name', value: w.organisation },
    });

  test('at once on every server, and open watches end: a revoked token, a deleted account, a deleted own token, a removed member', async () => {
    const second = await startTestApp({ config: { databaseUrl: app.databaseUrl, sweepSeconds: 1 } });
    try {
      const { intentId } = await waiting(w.author, undefined);
      const { organisationId } = w;
      const users = app.client(UsersService, w.reviewer);
      const own = await users.createPersonalAccessToken({
        userId: w.reviewer.userId,
        name: 'x',
        scopes: ['read'],
      });
      const deleted = await w.serviceAccount('deleted');
      const account = (serviceAccountId: string) => ({ organisationId, serviceAccountId });
      const { serviceAccounts, organisations } = w.admin;
      const ends: [string, () => Promise<unknown>, Code][] = [
        [
          pipeline.token,
          () =>
            serviceAccounts.revokeServiceAccountToken({
              ...account(pipeline.userId),
              tokenId: pipeline.tokenId,
            }),
          Code.Unauthenticated,
        ],
        [
          deleted.token,
          () => serviceAccounts.deleteServiceAccount(account(deleted.userId)),
          Code.Unauthenticated,
        ],
        [
          own.rawToken,
          () => users.deletePersonalAccessToken({ tokenId: own.token?.tokenId ?? '' }),
          Code.Unauthenticated,
        ],
        [
          w.reviewerTwo.token,
          () => organisations.removeMember({ organisationId, userId: w.reviewerTwo.userId }),
          Code.NotFound,
        ],
      ];
      for (const [token, end, code] of ends) {
        await Promise.all([ask(app, token), ask(second, token)]);
        const watches = await Promise.all([app, second].map((by) => watching(by, token, intentId)));
        const outcomes = watches.map((watch) => refusal(watch()));
        await end();
        expect(await Promise.all([codeOf(ask(app, token)), codeOf(ask(second, token))])).toEqual([
          code,
          code,
        ]);
        expect((await Promise.all(outcomes)).map((one) => one.code)).not.toContain(Code.Canceled);
        expect(
          (await Promise.all(outcomes)).map((one) =>
            [Code.Unauthenticated, Code.NotFound].includes(one.code),
          ),
        ).toEqual([true, true]);
      }
    } finally {
      await second.stop();
    }
  }, 30_000);

  test('also when it comes while a vote by it waits for its turn', async () => {
    const { intentId, vote } = await waiting(w.author, undefined);
    const users = app.client(UsersService, w.reviewer);
    const { userId } = w.reviewer;
    const { rawToken, token } = await users.createPersonalAccessToken({
      userId,
      name: 'votes',
      scopes: ['approve'],
    });
    const holder = new pg.Client({ connectionString: app.databaseUrl });
    await holder.connect();
    try {
      await holder.query('begin');
      await holder.query('select 1 from release_intents where id = $1 for update', [intentId]);
      const voted = refusal(actingBy(app, rawToken).policies.approveRelease(vote));
      const held = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
      await eventually(async () => (await sql(held)).length > 0, 'the vote to wait');
      await users.deletePersonalAccessToken({ tokenId: token?.tokenId ?? '' });
      await holder.query('commit');
      expect((await voted).code).toBe(Code.Unauthenticated);
    } finally {
      await holder.end();
    }
    expect(await sql('select 1 from approval_decisions where release_intent_id = $1', [intentId])).toEqual(
      [],
    );
  });

  test('a token that has run out ends its watch too', async () => {
    let ahead = 0;
    const clock = {
      now: () => new Date(Date.now() + ahead),
      sleep: () => Promise.withResolvers<void>().promise,
    };
    const later = await startTestApp({ clock, config: { databaseUrl: app.databaseUrl, sweepSeconds: 1 } });
    try {
      const { intentId } = await waiting(w.author, undefined);
      const { rawToken } = await w.admin.serviceAccounts.createServiceAccountToken({
        organisationId: w.organisationId,
        serviceAccountId: pipeline.userId,
        name: 'short',
        scopes: ['read'],
        expiresInSeconds: 600n,
      });
      const watch = await watching(later, rawToken, intentId);
      ahead = 601_000;
      expect(await codeOf(ask(later, rawToken))).toBe(Code.Unauthenticated);
      expect(await codeOf(watch())).toBe(Code.Unauthenticated);
    } finally {
      await later.stop();
    }
  });
});
