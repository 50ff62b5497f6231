import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { PolicyWarningKind } from '#server/gen/forest/v1/policies_pb.ts';
import { ReleaseIntentStatus } from '#server/gen/forest/v1/releases_pb.ts';
import { SessionService } from '#server/gen/forest/v1/sessions_pb.ts';
import { testClock } from './clock.ts';
import { planStage, stageWaits, voteOn } from './gate-world.ts';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import { whileLocked } from './in-turn.ts';
import { beside, follow } from './neighbours.ts';
import { expectRefusal, refusal } from './refusal.ts';
import {
  actingBy,
  ended,
  PASSWORD,
  type Person,
  type Pipeline,
  person,
  personalToken,
  stateOf,
  type World,
  world,
} from './world.ts';

const app = await startTestApp();
afterAll(() => app.stop());
let w: World;
let pipeline: Pipeline;
beforeEach(async () => {
  w = await world(app);
  pipeline = await w.serviceAccount('ci');
});

const sql = async (text: string, ...values: unknown[]): Promise<Record<string, unknown>[]> =>
  (await app.context.db.pool.query(text, values)).rows;

const annotate = async (by: Person, source?: object) => {
  const { artifact } = await by.releases.annotateRelease({
    project: w.project,
    context: { title: 'Round totals half up' },
    ref: { commitSha: 'a'.repeat(40), branch: 'main' },
    source,
  });
  if (artifact === undefined) throw new Error('no artifact');
  return artifact;
};

/** A release of an artifact with that source that waits for one approval of production. */
async function waiting(by: Person, source?: object, annotatedBy: Person = by) {
  await w.approvalPolicy(1);
  const artifact = await annotate(annotatedBy, source);
  const intentId = await w.release(artifact.artifactId, ['production'], by);
  await stageWaits(w, intentId);
  return { artifact, intentId, vote: voteOn(w, intentId) };
}

describe('admins', () => {
  test('create, list, revoke and delete accounts and tokens', async () => {
    const { organisationId, organisation, admin } = w;
    const listed = async () =>
      (await admin.serviceAccounts.listServiceAccounts({ organisationId })).serviceAccounts;
    const { userId: serviceAccountId, tokenId, username } = pipeline;
    const tokens = [{ tokenId, name: 'ci', scopes: ['read', 'release'] }];
    expect(await listed()).toMatchObject([{ serviceAccountId, name: 'ci', username, tokens }]);
    expect(username).toBe('ci (service account)');
    expect(pipeline.token).toMatch(/^forage_b_[\w-]{43}[0-9A-Za-z]{6}$/);
    const again = admin.serviceAccounts.createServiceAccount({ organisationId, name: 'CI' });
    await expectRefusal('AlreadyExists', again);

    await pipeline.releases.getProjects({ query: { case: 'organisation', value: { organisation } } });
    await eventually(
      async () => (await listed())[0]?.tokens[0]?.lastUsed !== undefined,
      'its last use to be listed',
    );

    const account = { organisationId, serviceAccountId };
    const revoked = { ...account, tokenId };
    await admin.serviceAccounts.revokeServiceAccountToken(revoked);
    await expectRefusal('NotFound', admin.serviceAccounts.revokeServiceAccountToken(revoked));
    await admin.serviceAccounts.deleteServiceAccount(account);
    await expectRefusal('NotFound', admin.serviceAccounts.deleteServiceAccount(account));
    const token = { ...account, name: 'late', scopes: ['read'] };
    await expectRefusal('NotFound', admin.serviceAccounts.createServiceAccountToken(token));
    expect(await listed()).toEqual([]);
    // The name is free again.
    await admin.serviceAccounts.createServiceAccount({ organisationId, name: 'ci' });
  });

  test('cannot give accounts the scopes to vote or administer, nor reach accounts of another organisation', async () => {
    const { organisationId } = w;
    const other = await world(app);
    const foreign = { organisationId: other.organisationId, serviceAccountId: pipeline.userId };
    const calls = other.admin.serviceAccounts;
    await expectRefusal(
      'NotFound',
      calls.deleteServiceAccount(foreign),
      calls.revokeServiceAccountToken({ ...foreign, tokenId: pipeline.tokenId }),
      calls.createServiceAccountToken({ ...foreign, name: 'mine now', scopes: ['read'] }),
      // A user is not a service account.
      w.admin.serviceAccounts.deleteServiceAccount({ organisationId, serviceAccountId: w.author.userId }),
    );
    const account = { organisationId, serviceAccountId: pipeline.userId, name: 'too much' };
    for (const scope of ['approve', 'admin']) {
      const call = w.admin.serviceAccounts.createServiceAccountToken({ ...account, scopes: [scope] });
      await expectRefusal('InvalidArgument', call);
    }
  });

  test('do not find service accounts among users, and cannot add one as a member', async () => {
    const { organisationId, admin } = w;
    const { userId, username } = pipeline;
    await expectRefusal('NotFound', admin.users.getUser({ identifier: { case: 'userId', value: userId } }));
    expect((await admin.users.listUsers({ search: 'service' })).users).toEqual([]);
    const { members } = await admin.organisations.listMembers({ organisationId });
    expect(members.map((member) => member.username)).not.toContain(username);
    await expectRefusal('NotFound', admin.organisations.addMember({ organisationId, userId, role: 'admin' }));
    const insert = `insert into memberships (organisation_id, user_id, role, joined_at) values ($1, $2, 'admin', now())`;
    await expect(sql(insert, organisationId, userId)).rejects.toThrow('cannot be a member');
    const password = `update users set password_hash = 'x' where id = $1`;
    await expect(sql(password, userId)).rejects.toThrow('users_service_signs_in_never');
  });
});

describe('the tokens that an admin created', () => {
  /** Another admin, with a token of the account, and what the list shows. */
  async function maker() {
    const { organisationId, admin } = w;
    const other = await person(app, 'maker');
    await admin.organisations.addMember({ organisationId, userId: other.userId, role: 'admin' });
    const request = { organisationId, serviceAccountId: pipeline.userId, name: 'deploy', scopes: ['read'] };
    const { rawToken } = await other.serviceAccounts.createServiceAccountToken(request);
    const listed = async () => {
      const { serviceAccounts } = await admin.serviceAccounts.listServiceAccounts({ organisationId });
      return serviceAccounts.flatMap(({ tokens }) => tokens).map(({ name, createdBy }) => [name, createdBy]);
    };
    const works = () =>
      actingBy(app, rawToken).releases.getProjects({
        query: { case: 'organisation', value: { organisation: w.organisation } },
      });
    return { ...other, membership: { organisationId, userId: other.userId }, listed, works };
  }

  test('show their creator, and keep working when the creator loses the role', async () => {
    const { username, membership, listed, works } = await maker();
    const both = [
      ['deploy', username],
      ['ci', w.admin.username],
    ];
    expect(await listed()).toEqual(both);
    await w.admin.organisations.updateMemberRole({ ...membership, role: 'member' });
    await w.admin.organisations.removeMember(membership);
    expect(await listed()).toEqual(both);
    await works();
  });

  test.each<[string, (w: World, maker: Person) => Promise<unknown>]>([
    [
      'removed',
      ({ admin, organisationId }, { userId }) =>
        admin.organisations.removeMember({ organisationId, userId, revokeCreatedTokens: true }),
    ],
    [
      'made a member',
      ({ admin, organisationId }, { userId }) =>
        admin.organisations.updateMemberRole({
          organisationId,
          userId,
          role: 'member',
          revokeCreatedTokens: true,
        }),
    ],
    [
      'leaving',
      ({ organisationId }, { organisations }) =>
        organisations.leaveOrganisation({ organisationId, revokeCreatedTokens: true }),
    ],
  ])('are revoked on request when the creator is %s, and the history says so', async (_, end) => {
    const other = await maker();
    await end(w, other);
    expect(await other.listed()).toEqual([['ci', w.admin.username]]);
    await expectRefusal('Unauthenticated', other.works());
    const { entries } = await w.admin.policies.listHistory({
      organisation: w.organisation,
      kind: 'service_account.token_revoked',
    });
    expect(entries).toHaveLength(1);
    expect(entries[0]?.subject).toBe(pipeline.username);
  });

  test('are revoked by no member, by no access token, and not with a change that is refused', async () => {
    const { organisationId, admin } = w;
    const other = await maker();
    const revokeCreatedTokens = true;
    const token = await personalToken(app, admin, ['admin']);
    const byToken = token.organisations.removeMember({ ...other.membership, revokeCreatedTokens });
    await expectRefusal('PermissionDenied', byToken);
    await admin.organisations.updateMemberRole({ ...other.membership, role: 'member' });
    const leaving = other.organisations.leaveOrganisation({ organisationId, revokeCreatedTokens });
    await expectRefusal('PermissionDenied', leaving);
    const last = admin.organisations.leaveOrganisation({ organisationId, revokeCreatedTokens });
    await expectRefusal('FailedPrecondition', last);
    expect(await other.listed()).toHaveLength(2);
    await other.works();
  });
});

describe('a service account', () => {
  test('is the author of its releases and can cancel them', async () => {
    const artifact = await annotate(pipeline);
    expect(artifact.source).toMatchObject({ user: pipeline.username, userId: pipeline.userId });
    const itself = await annotate(pipeline, { userId: pipeline.userId, sourceType: 'ci' });
    expect(itself.source).toMatchObject({ user: pipeline.username, authorUsernames: [] });
    await w.approvalPolicy(1);
    const intentId = await w.release(artifact.artifactId, ['production'], pipeline);
    expect(await stateOf(w, intentId)).toMatchObject({ actorUsername: 'ci (service account)' });
    await pipeline.releases.cancelRelease({ releaseIntentId: intentId });
    await ended(w, intentId, ReleaseIntentStatus.CANCELLED);
    const account = { organisationId: w.organisationId, serviceAccountId: pipeline.userId };
    await w.admin.serviceAccounts.deleteServiceAccount(account);
    // A deleted account keeps its name on its releases.
    expect(await stateOf(w, intentId)).toMatchObject({ actorUsername: 'ci (service account)' });
  });

  test('cannot sign in, vote, or release with the scope "read", and is not an eligible voter', async () => {
    expect((await app.client(SessionService, pipeline).getSession({})).session).toBeUndefined();
    const identifier = pipeline.username;
    const signIn = app.client(SessionService, {}).signIn({ identifier, password: PASSWORD });
    await expectRefusal('Unauthenticated', signIn);
    const { artifact, vote } = await waiting(w.author);
    const reader = await w.serviceAccount('reader', ['read']);
    const release = reader.releases.release({ artifactId: artifact.artifactId, environments: ['staging'] });
    await expectRefusal('PermissionDenied', release);
    expect(await refusal(pipeline.policies.approveRelease(vote))).toMatchObject({
      code: 'PermissionDenied',
      message: 'Service accounts cannot call this method',
    });
    const { environments } = await reader.policies.getReleaseRequirements(vote);
    const denied = { allowed: false };
    expect(environments[0]).toMatchObject({ canApprove: denied, canReject: denied, canBypass: denied });
    const eligible = environments[0]?.evaluations[0]?.eligibleVoters ?? [];
    expect(JSON.stringify(eligible)).not.toContain('service account');
  });
});

describe('the authors of a release', () => {
  test('include the user whom the source names by id, username or address in any spelling', async () => {
    const { userId, username } = w.reviewer;
    for (const source of [
      { userId },
      { user: username },
      { user: ` ${username.toUpperCase()} ` },
      { user: 'Somebody', email: `${username}@Example.com` },
      { user: `${username}@example.com` },
    ]) {
      const artifact = await annotate(pipeline, source);
      expect([source, artifact.source?.authorUsernames]).toEqual([source, [username]]);
    }
  });

  test('cannot approve or reject it, others can', async () => {
    const { intentId, vote } = await waiting(pipeline, { user: w.reviewer.username });
    expect(await refusal(w.reviewer.policies.approveRelease(vote))).toMatchObject({
      code: 'PermissionDenied',
      message: 'You cannot approve your own release.',
    });
    await expectRefusal(
      'PermissionDenied',
      w.reviewer.policies.externalApproveRelease(vote),
      w.reviewer.policies.rejectRelease(vote),
    );
    const pending = async (p: Person) =>
      (await p.policies.listPendingApprovals({})).approvals.map((one) => one.releaseIntentId);
    expect(await pending(w.reviewer)).not.toContain(intentId);
    expect(await pending(w.reviewerTwo)).toContain(intentId);
    const seen = await w.reviewer.policies.getReleaseRequirements(vote);
    expect(seen).toMatchObject({ isReleaseAuthor: true, authorUserId: pipeline.userId });
    expect(seen.authors.map(({ username }) => username)).toEqual([pipeline.username, w.reviewer.username]);
    expect(seen.environments[0]?.canApprove?.allowed).toBe(false);
    await w.reviewerTwo.policies.approveRelease(vote);
    await ended(w, intentId);
  });

  test('cannot approve as admins, but reject and bypass', async () => {
    const { intentId, vote } = await waiting(w.author, { user: w.admin.username }, pipeline);
    await expectRefusal(
      'PermissionDenied',
      w.author.policies.approveRelease(vote),
      w.admin.policies.approveRelease(vote),
    );
    await w.admin.policies.rejectRelease(vote);
    await w.admin.policies.approveRelease({ ...vote, forceBypass: true, comment: 'outage' });
    await ended(w, intentId);
  });

  test('cannot decide on its plan, and can cancel it', async () => {
    const stages = [planStage('plan', 'staging')];
    await w.admin.pipelines.createReleasePipeline({ project: w.project, name: 'planned', stages });
    const { artifactId } = await annotate(pipeline, { user: w.reviewer.username });
    const { intents } = await pipeline.releases.release({ artifactId, usePipeline: true });
    const releaseIntentId = intents[0]?.releaseIntentId ?? '';
    const plan = { releaseIntentId, stageId: 'plan' };
    await stageWaits(w, releaseIntentId, undefined, 'staging');
    await expectRefusal(
      'PermissionDenied',
      w.reviewer.releases.approvePlanStage(plan),
      w.reviewer.releases.rejectPlanStage(plan),
      pipeline.releases.approvePlanStage(plan),
      w.reviewerTwo.releases.cancelRelease({ releaseIntentId }),
    );
    await w.reviewer.releases.cancelRelease({ releaseIntentId });
    await ended(w, releaseIntentId, ReleaseIntentStatus.CANCELLED);
  });

  test('stay the same: the source of an artifact never changes', async () => {
    const { artifactId } = await annotate(pipeline, { user: w.reviewer.username });
    const again = pipeline.releases.annotateRelease({
      project: w.project,
      artifactId,
      context: { title: 'with another source' },
      ref: { commitSha: 'a'.repeat(40) },
      source: { user: 'nobody' },
    });
    await expectRefusal('AlreadyExists', again);
    for (const column of ['source_user', 'source_email']) {
      const change = sql(`update artifacts set ${column} = 'nobody' where id = $1`, artifactId);
      await expect(change).rejects.toThrow('never changes');
    }
  });

  test('include named users as soon as they are members, and do not reveal others', async () => {
    const [late, other] = [await person(app, 'late'), await person(app, 'other')];
    const { intentId, vote } = await waiting(pipeline, { user: late.username, email: other.email });
    const names = async () =>
      (await w.reviewer.policies.getReleaseRequirements(vote)).authors.map((one) => one.username);
    expect(await names()).toEqual([pipeline.username]);
    const { organisationId } = w;
    for (const { userId } of [late, other])
      await w.admin.organisations.addMember({ organisationId, userId, role: 'member' });
    expect((await names()).sort()).toEqual([pipeline, late, other].map((p) => p.username).sort());
    await expectRefusal(
      'PermissionDenied',
      late.policies.approveRelease(vote),
      other.policies.approveRelease(vote),
    );
    await w.reviewer.policies.approveRelease(vote);
    await ended(w, intentId);
  });

  test('do not count as voters, even with an older vote, and are left out of warnings', async () => {
    const { intentId, vote } = await waiting(pipeline, { user: w.reviewer.username });
    // As an earlier version of the server accepted it.
    await sql(
      `insert into approval_decisions (release_intent_id, target_environment, user_id, username, decision)
       values ($1, 'production', $2, $3, 'approved')`,
      intentId,
      w.reviewer.userId,
      w.reviewer.username,
    );
    await w.approvalPolicy(4, 'production', 'all members');
    const { state } = await w.admin.policies.getApprovalState(vote);
    expect(state).toMatchObject({
      currentApprovals: 0,
      decisions: [{ counted: false, notCountedReason: 'by an author of the release' }],
    });
    expect((await stateOf(w, intentId)).status).toBe(ReleaseIntentStatus.ACTIVE);
    const { environments } = await w.admin.policies.getReleaseRequirements(vote);
    const { warnings = [], evaluations = [] } = environments[0] ?? {};
    expect(warnings).toMatchObject([
      { kind: PolicyWarningKind.NOT_ENOUGH_VOTERS, policyName: 'all members' },
    ]);
    const eligible = evaluations[0]?.eligibleVoters.map(({ username }) => username) ?? [];
    expect([...eligible].sort()).toEqual([w.admin, w.author, w.reviewerTwo].map((p) => p.username).sort());
  });
});

describe('an access token', () => {
  test('bypasses with the scopes "approve" and "admin" of an admin', async () => {
    const { intentId, vote } = await waiting(w.author);
    const bypass = { ...vote, forceBypass: true, comment: 'outage' };
    const admin = await personalToken(app, w.admin, ['read', 'release', 'admin']);
    const voter = await personalToken(app, w.admin, ['approve']);
    for (const [token, lacks] of [
      [admin, 'approve'],
      [voter, 'admin'],
    ] as const) {
      for (const method of ['approveRelease', 'externalApproveRelease'] as const) {
        const { message } = await refusal(token.policies[method](bypass));
        expect(message).toBe(`This access token lacks the scope "${lacks}"`);
      }
    }
    const member = await personalToken(app, w.reviewer, ['approve', 'admin']);
    expect((await refusal(member.policies.approveRelease(bypass))).message).toMatch(/Only an admin/);
    const both = await personalToken(app, w.admin, ['approve', 'admin']);
    await both.policies.approveRelease(bypass);
    await ended(w, intentId);
  });

  test('cannot have a lifetime beyond the server’s limit', async () => {
    const strict = await beside(app, { config: { tokenMaxDays: 30 } });
    try {
      expect((await strict.client(SessionService, {}).getSession({})).tokenMaxDays).toBe(30);
      const { users, serviceAccounts } = actingBy(strict, w.admin.token);
      const { organisationId } = w;
      const token = { name: 'long', scopes: ['read'] };
      const own = (expiresInSeconds: bigint) =>
        users.createPersonalAccessToken({ ...token, userId: w.admin.userId, expiresInSeconds });
      const account = { ...token, organisationId, serviceAccountId: pipeline.userId };
      const theirs = (expiresInSeconds: bigint) =>
        serviceAccounts.createServiceAccountToken({ ...account, expiresInSeconds });
      for (const create of [own, theirs]) {
        for (const seconds of [0n, 30n * 86_400n + 1n]) {
          const { code, message } = await refusal(create(seconds));
          expect([code, message]).toEqual(['InvalidArgument', expect.stringContaining('30 days')]);
        }
        expect((await create(30n * 86_400n)).token?.expiresAt).toBeDefined();
      }
    } finally {
      await strict.stop();
    }
  });
});

describe('revoked credentials', () => {
  const read = (by: TestApp, { token }: Person) =>
    actingBy(by, token).organisations.getOrganisation({
      identifier: { case: 'name', value: w.organisation },
    });

  test('of service accounts are refused at once on every server, and end open watches', async () => {
    const second = await beside(app, { config: { sweepSeconds: 1 } });
    try {
      const { intentId } = await waiting(w.author);
      const { organisationId, admin } = w;
      const { userId: serviceAccountId, tokenId } = pipeline;
      const deleted = await w.serviceAccount('deleted');
      const calls = admin.serviceAccounts;
      const revoke = () => calls.revokeServiceAccountToken({ organisationId, serviceAccountId, tokenId });
      const remove = () => calls.deleteServiceAccount({ organisationId, serviceAccountId: deleted.userId });
      for (const [account, code, endAccess] of [
        [pipeline, 'Unauthenticated', revoke],
        [deleted, 'NotFound', remove],
      ] as const) {
        const watches = [await follow(app, account, intentId), await follow(second, account, intentId)];
        await endAccess();
        await expectRefusal('Unauthenticated', read(app, account), read(second, account));
        await expectRefusal(code, ...watches.map((watch) => watch.finished));
      }
    } finally {
      await second.stop();
    }
  }, 30_000);

  test('are refused in a vote that waits for a lock', async () => {
    const { intentId, vote } = await waiting(w.author);
    const { policies, tokenId } = await personalToken(app, w.reviewer, ['approve']);
    const lock = 'select 1 from release_intents where id = $1 for update';
    const voted = await whileLocked(
      app,
      [lock, [intentId]],
      () => refusal(policies.approveRelease(vote)),
      () => w.reviewer.users.deletePersonalAccessToken({ tokenId }),
    );
    expect(voted.code).toBe('Unauthenticated');
    expect(await sql('select 1 from approval_decisions where release_intent_id = $1', intentId)).toEqual([]);
  });

  test('end their watch also when they expire', async () => {
    const clock = testClock();
    const later = await beside(app, { clock, config: { sweepSeconds: 1 } });
    try {
      const { intentId } = await waiting(w.author);
      const { rawToken } = await w.admin.serviceAccounts.createServiceAccountToken({
        organisationId: w.organisationId,
        serviceAccountId: pipeline.userId,
        name: 'short',
        scopes: ['read'],
        expiresInSeconds: 600n,
      });
      const short = { ...pipeline, token: rawToken };
      const watch = await follow(later, short, intentId);
      clock.advance(601_000);
      await expectRefusal('Unauthenticated', read(later, short), watch.finished);
    } finally {
      await later.stop();
    }
  });
});
