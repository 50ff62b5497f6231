import { afterAll, describe, expect, test } from 'vitest';
import { PolicyService, PolicyType } from '#server/gen/forest/v1/policies_pb.ts';
import { PipelineRunStageStatus, ReleaseIntentStatus } from '#server/gen/forest/v1/releases_pb.ts';
import { UsersService } from '#server/gen/forest/v1/users_pb.ts';
import { asBrowser, post as postAt } from './browser.ts';
import { callJson, everyMethod, nameOf } from './every-method.ts';
import { gatedRelease, soakPolicy, stageWaits, voteOn } from './gate-world.ts';
import { startTestApp } from './harness.ts';
import { inTurn } from './in-turn.ts';
import { at, beside, follow } from './neighbours.ts';
import { expectRefusal, refusal } from './refusal.ts';
import { PASSWORD, type Person, personalToken, stateOf, world } from './world.ts';

/** Two servers that share nothing but the database. */
const config = { sweepSeconds: 1 };
const app = await startTestApp({ config });
const other = await beside(app, { config });
afterAll(async () => {
  await other.stop();
  await app.stop();
});
let w = await world(app);

const bearer = ({ token }: Pick<Person, 'token'>) => ({ authorization: `Bearer ${token}` });
const methodNamed = (name: string) => {
  const found = everyMethod.find((method) => nameOf(method) === name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found;
};
const gateOf = (releaseIntentId: string, project = w.project) => ({ ...voteOn(w, releaseIntentId), project });

/** A release of a new organisation that awaits that many approvals for production. */
async function gated(required: number): Promise<string> {
  w = await world(app);
  await w.approvalPolicy(required, 'production', 'gate');
  return gatedRelease(w);
}
/** Checks that the gate stays closed when every server evaluates again. */
async function staysClosed(intentId: string): Promise<void> {
  for (const server of [app, other]) await server.coordinator.sweep();
  const state = await stateOf(w, intentId);
  expect(state.status).toBe(ReleaseIntentStatus.ACTIVE);
  expect(state.steps).toEqual([]);
}
const votesIn = async (intentId: string) => {
  const found = await app.context.db.pool.query(
    'select decision, user_id as "userId" from approval_decisions where release_intent_id = $1',
    [intentId],
  );
  return found.rows as { decision: string; userId: string }[];
};

describe('a stream ends with its caller’s access, on every server', () => {
  const calls = async (method: string, watcher: Person, request = {}) =>
    expect((await callJson(app, methodNamed(method), request, bearer(watcher))).code).toBe('ok');
  const expire = `update credentials set expires_at = now() - interval '1 second' where user_id = $1`;
  const endings: readonly (readonly [string, string, (watcher: Person) => Promise<unknown>])[] = [
    ['removed from the organisation', 'NotFound', (watcher) => w.removeMember(watcher)],
    [
      'left the organisation',
      'NotFound',
      (watcher) =>
        calls('OrganisationService.LeaveOrganisation', watcher, { organisationId: w.organisationId }),
    ],
    [
      'signed out everywhere',
      'Unauthenticated',
      (watcher) => calls('SessionService.SignOutEverywhere', watcher),
    ],
    [
      'login expired and not refreshable',
      'Unauthenticated',
      ({ userId }) => app.context.db.pool.query(expire, [userId]),
    ],
  ];
  test.each(endings)('%s', async (_, code, end) => {
    const intentId = await gated(1);
    const watcher = w.reviewerTwo;
    const [here, there] = [await follow(app, watcher, intentId), await follow(other, watcher, intentId)];
    const stays = await follow(other, w.author, intentId);
    await end(watcher);
    await w.reviewer.policies.approveRelease(gateOf(intentId));
    await stays.finished;
    for (const stream of [here, there]) {
      await expectRefusal(code, stream.finished);
      expect(stream.stages()).not.toContain(PipelineRunStageStatus.SUCCEEDED);
    }
  });

  test('access token deleted', async () => {
    const intentId = await gated(1);
    const token = await personalToken(app, w.reviewerTwo, ['read']);
    const watching = await follow(other, { ...w.reviewerTwo, ...token }, intentId);
    await w.reviewerTwo.users.deletePersonalAccessToken({ tokenId: token.tokenId });
    await w.reviewer.policies.approveRelease(gateOf(intentId));
    await expectRefusal('Unauthenticated', watching.finished);
  });
});

test('a password change ends the streams and pending requests of a copied cookie', async () => {
  const intentId = await gated(1);
  const { userId, username } = w.reviewerTwo;
  const { cookie } = await postAt(app, 'SessionService/SignIn', { identifier: username, password: PASSWORD });
  const copied = { ...w.reviewerTwo, token: cookie.slice(cookie.indexOf('=') + 1) };
  const watching = await follow(other, copied, intentId);
  const change = { userId, currentPassword: PASSWORD, newPassword: 'quite another long one' };
  const token = { userId, name: 'lasting', scopes: ['approve'] };
  const [changed, late] = await inTurn(
    app,
    userId,
    () => postAt(app, 'UsersService/ChangePassword', change, asBrowser(cookie)),
    () => postAt(other, 'UsersService/CreatePersonalAccessToken', token, asBrowser(cookie)),
  );
  expect([changed.status, late.body.code]).toEqual([200, 'unauthenticated']);
  await w.reviewer.policies.approveRelease(gateOf(intentId));
  await expectRefusal('Unauthenticated', watching.finished);
});

describe('ids of other projects and organisations', () => {
  test('a release of another project of the same organisation is not found', async () => {
    const intentId = await gated(1);
    const elsewhere = { organisation: w.organisation, project: 'billing' };
    await w.admin.releases.createProject(elsewhere);
    const approval = { targetEnvironment: 'production', requiredApprovals: 1 };
    await w.admin.policies.createPolicy({
      project: elsewhere,
      name: 'of billing',
      policyType: PolicyType.EXTERNAL_APPROVAL,
      config: { case: 'approval', value: approval },
    });
    const mixed = gateOf(intentId, elsewhere);
    const bypass = { ...mixed, forceBypass: true, comment: 'wrong project' };
    const { policies, pipelines } = w.admin;
    await expectRefusal(
      'NotFound',
      w.reviewer.policies.approveRelease(mixed),
      w.reviewer.policies.rejectRelease(mixed),
      w.reviewer.policies.externalApproveRelease(mixed),
      w.reviewer.policies.getApprovalState(mixed),
      w.reviewer.policies.getReleaseRequirements(mixed),
      w.reviewer.policies.evaluatePolicies(mixed),
      policies.approveRelease(bypass),
      policies.updatePolicy({ project: elsewhere, name: 'gate', enabled: false }),
      policies.deletePolicy({ project: elsewhere, name: 'gate' }),
      pipelines.updateReleasePipeline({ project: elsewhere, name: 'none', enabled: true }),
    );
    // Disabling a policy of one project opens nothing in another.
    await policies.updatePolicy({ project: elsewhere, name: 'of billing', enabled: false });
    await staysClosed(intentId);
    expect(await votesIn(intentId)).toEqual([]);
  });

  test('an id in upper case is the same id, also in the history, which stays valid', async () => {
    const intentId = await gated(2);
    const shouted = intentId.toUpperCase();
    const watching = await follow(other, w.author, shouted);
    await w.reviewer.policies.approveRelease(gateOf(shouted));
    await w.reviewer.policies.approveRelease({ ...gateOf(intentId), comment: 'again' });
    expect(await votesIn(intentId)).toHaveLength(1);
    await w.author.releases.cancelRelease({ releaseIntentId: shouted });
    await watching.finished;
    const { ok, problem } = await w.admin.policies.verifyHistory({ organisation: w.organisation });
    expect([ok, problem]).toEqual([true, undefined]);
    const filter = { organisation: w.organisation, releaseIntentId: shouted };
    const { entries } = await w.admin.policies.listHistory(filter);
    expect(entries.map(({ kind }) => kind)).toContain('release.cancelled');
  });

  test('a page token of another organisation lists only the caller’s own data', async () => {
    const mine = await world(app);
    const theirs = await world(app);
    for (const one of [mine, theirs]) for (let n = 0; n < 3; n++) await one.artifact();
    const first = await theirs.admin.policies.listHistory({ organisation: theirs.organisation, pageSize: 1 });
    expect(first.nextPageToken).not.toBe('');
    const page = { organisation: mine.organisation, pageSize: 100, pageToken: first.nextPageToken };
    const found = await mine.admin.policies.listHistory(page).catch(() => ({ entries: [] }));
    const names = new Set([theirs.admin, theirs.author].map(({ username }) => username));
    expect(found.entries.filter(({ actorUsername }) => names.has(actorUsername))).toEqual([]);
    const listed = { project: theirs.project, pageSize: 1 };
    const artifacts = await theirs.admin.releases.getArtifactsByProject(listed);
    const next = { project: mine.project, pageSize: 100, pageToken: artifacts.nextPageToken };
    const read = await mine.admin.releases.getArtifactsByProject(next).catch(() => ({ artifact: [] }));
    for (const artifact of read.artifact) expect(artifact.project).toMatchObject(mine.project);
  });
});

describe('forged fields', () => {
  test('a request cannot set its caller, their role, or a verdict', async () => {
    const intentId = await gated(1);
    const forged = {
      actorId: w.reviewer.userId,
      actor: w.reviewer.username,
      userId: w.reviewer.userId,
      username: w.reviewer.username,
      role: 'admin',
      isAdmin: true,
      isReleaseAuthor: false,
      bypass: true,
      passed: true,
      counted: true,
    };
    const headers = {
      ...bearer(w.author),
      'x-user-id': w.reviewer.userId,
      'x-forwarded-user': w.reviewer.username,
      'x-remote-user': w.admin.username,
    };
    for (const name of [
      'PolicyService.ApproveRelease',
      'PolicyService.ExternalApproveRelease',
      'PolicyService.RejectRelease',
    ]) {
      const codeWith = async (fields: object) =>
        (await callJson(app, methodNamed(name), { ...gateOf(intentId), ...fields }, headers)).code;
      expect([name, await codeWith({})]).toEqual([name, 'permission_denied']);
      for (const [field, value] of Object.entries(forged))
        expect([name, field, await codeWith({ [field]: value })]).toEqual([name, field, 'invalid_argument']);
    }
    const more = { artifactId: (await w.artifact()).artifactId, environments: ['production'], force: true };
    const { text } = await callJson(app, methodNamed('ReleaseService.Release'), more, headers);
    const { intents } = JSON.parse(text) as { intents: { releaseIntentId: string }[] };
    const second = intents[0]?.releaseIntentId ?? '';
    await stageWaits(w, second);
    // The caller is the author; the reviewer whom the request named may approve.
    await expectRefusal('PermissionDenied', w.author.policies.approveRelease(gateOf(second)));
    await w.reviewer.policies.approveRelease(gateOf(second));
    await staysClosed(intentId);
    expect(await votesIn(intentId)).toEqual([]);
  });

  test('names that look like another name are different or invalid', async () => {
    const { organisation, author, admin } = w;
    const organisations = [
      organisation.toUpperCase(),
      `${organisation}.`,
      `${organisation} `,
      `${organisation}\0`,
      organisation.replace('o', 'о'),
    ].map((organisation) => ({ case: 'organisation' as const, value: { organisation } }));
    const usernames = [
      admin.username.toUpperCase(),
      `${admin.username}\u200b`,
      ` ${admin.username}`,
      admin.username.replace('a', 'а'),
    ];
    const { register } = app.client(UsersService, {});
    const calls = [
      ...organisations.map((query) => author.releases.getProjects({ query })),
      ...usernames.map((username) => register({ username, email: 'x@example.com', password: PASSWORD })),
    ];
    for (const { code, message } of await Promise.all(calls.map(refusal)))
      expect(code, message).toMatch(/^(NotFound|InvalidArgument|AlreadyExists)$/);
  });
});

test('concurrent votes of one user on two servers count once', async () => {
  for (let round = 0; round < 5; round++) {
    const intentId = await gated(2);
    const [one, two] = [at(app, w.reviewer), at(other, w.reviewer)];
    await Promise.allSettled([
      one.policies.approveRelease(gateOf(intentId)),
      two.policies.approveRelease(gateOf(intentId)),
      one.policies.externalApproveRelease(gateOf(intentId)),
      two.policies.approveRelease({ ...gateOf(intentId), comment: 'again' }),
      one.policies.rejectRelease(gateOf(intentId)),
      two.policies.approveRelease(gateOf(intentId)),
    ]);
    await one.policies.approveRelease(gateOf(intentId));
    expect(await votesIn(intentId)).toEqual([{ decision: 'approved', userId: w.reviewer.userId }]);
    await staysClosed(intentId);
    const { state } = await w.author.policies.getApprovalState(gateOf(intentId));
    expect(state?.currentApprovals).toBe(1);
  }
});

test('a removed member can no longer vote on any server, and their vote no longer counts', async () => {
  const intentId = await gated(2);
  await soakPolicy(w, 3_600);
  for (const by of [w.reviewer, w.reviewerTwo]) await by.policies.approveRelease(gateOf(intentId));
  await stageWaits(w, intentId, PipelineRunStageStatus.PENDING);
  await w.removeMember(w.reviewerTwo);
  await expectRefusal('NotFound', at(other, w.reviewerTwo).policies.approveRelease(gateOf(intentId)));
  await other.client(PolicyService, w.admin).deletePolicy({ project: w.project, name: 'soak' });
  await stageWaits(w, intentId);
  await staysClosed(intentId);
  const { state } = await w.author.policies.getApprovalState(gateOf(intentId));
  expect(state?.currentApprovals).toBe(1);
});
