import { Code, ConnectError } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hashSecret } from '#server/features/credentials/secret.ts';
import { OrganisationService } from '#server/gen/forest/v1/organisations_pb.ts';
import { PolicyService, PolicyType } from '#server/gen/forest/v1/policies_pb.ts';
import {
  PipelineRunStageStatus,
  ReleaseIntentStatus,
  ReleaseService,
} from '#server/gen/forest/v1/releases_pb.ts';
import { UsersService } from '#server/gen/forest/v1/users_pb.ts';
import { aimAt, PASSWORD } from './aim.ts';
import { asBrowser, post as postAt } from './browser.ts';
import { callJson, everyMethod, nameOf, post } from './every-method.ts';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import { inTurn } from './in-turn.ts';
import { at, beside, follow } from './neighbours.ts';
import { ended, type Person, person, stateOf, type World, world } from './world.ts';

/** Two servers on one database, which hear nothing of each other but through it. */
let app: TestApp;
let other: TestApp;
let w: World;
beforeAll(async () => {
  const config = { sweepSeconds: 1 };
  app = await startTestApp({ config });
  other = await beside(app, { config });
  w = await world(app);
});
afterAll(async () => {
  await other.stop();
  await app.stop();
});

const codeOf = (call: Promise<unknown>): Promise<Code | null> =>
  call.then(
    () => null,
    (error: unknown) => ConnectError.from(error).code,
  );
const bearer = ({ token }: Pick<Person, 'token'>) => ({ authorization: `Bearer ${token}` });
const methodNamed = (name: string) => {
  const found = everyMethod.find((method) => nameOf(method) === name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found;
};
const gateOf = (releaseIntentId: string, project = w.project) => ({
  project,
  releaseIntentId,
  targetEnvironment: 'production',
});

/** A release of a new organisation that waits at the gate of production for that many approvals. */
async function gated(required: number): Promise<string> {
  w = await world(app);
  await w.approvalPolicy(required, 'production', 'gate');
  const intentId = await w.release((await w.artifact()).artifactId, ['production']);
  await waits(intentId);
  return intentId;
}
const waits = (intentId: string) =>
  eventually(
    async () => (await stateOf(w, intentId)).stages[0]?.status === PipelineRunStageStatus.AWAITING_APPROVAL,
    'the gate to hold it',
  );
/** Not now, and not after every server has looked again. */
async function staysShut(intentId: string): Promise<void> {
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

describe('a stream ends when the right to it ends, on every server', () => {
  const endings: readonly (readonly [string, Code, (watcher: Person) => Promise<unknown>])[] = [
    [
      'removed from the organisation',
      Code.NotFound,
      ({ userId }) => w.admin.organisations.removeMember({ organisationId: w.organisationId, userId }),
    ],
    [
      'left the organisation',
      Code.NotFound,
      async (watcher) => {
        const method = methodNamed('OrganisationService.LeaveOrganisation');
        const { organisationId } = w;
        expect((await callJson(app, method, { organisationId }, bearer(watcher))).code).toBe('ok');
      },
    ],
    [
      'signed out everywhere',
      Code.Unauthenticated,
      async (watcher) => {
        const method = methodNamed('SessionService.SignOutEverywhere');
        expect((await callJson(app, method, {}, bearer(watcher))).code).toBe('ok');
      },
    ],
    [
      'the login has run out, and cannot be prolonged',
      Code.Unauthenticated,
      ({ userId }) =>
        app.context.db.pool.query(
          `update credentials set expires_at = now() - interval '1 second' where user_id = $1`,
          [userId],
        ),
    ],
  ];
  test.each(endings)('%s', async (_, code, end) => {
    const intentId = await gated(1);
    const watcher = w.reviewerTwo;
    const [here, there] = [await follow(app, watcher, intentId), await follow(other, watcher, intentId)];
    const stays = await follow(other, w.author, intentId);
    await end(watcher);
    await w.reviewer.policies.approveRelease(gateOf(intentId));
    await stays.told;
    for (const stream of [here, there]) {
      const error = await stream.told.then(() => null, ConnectError.from);
      expect(error?.code).toBe(code);
      expect(stream.stages()).not.toContain(PipelineRunStageStatus.SUCCEEDED);
    }
  });

  test('a token that is revoked, or has run out', async () => {
    for (const how of ['revoked_at = now()', `expires_at = now() - interval '1 second'`]) {
      const intentId = await gated(1);
      const { rawToken, token } = await app
        .client(UsersService, w.reviewerTwo)
        .createPersonalAccessToken({ userId: w.reviewerTwo.userId, name: 'to watch', scopes: ['read'] });
      const watching = await follow(other, { ...w.reviewerTwo, token: rawToken }, intentId);
      await app.context.db.pool.query(`update credentials set ${how} where id = $1`, [token?.tokenId]);
      await w.reviewer.policies.approveRelease(gateOf(intentId));
      expect((await watching.told.then(() => null, ConnectError.from))?.code).toBe(Code.Unauthenticated);
    }
  });
});

test('what a copied cookie has open or has waiting ends when its owner changes the password', async () => {
  const intentId = await gated(1);
  const { userId, username } = w.reviewerTwo;
  const password = 'correct horse battery staple';
  const { cookie } = await postAt(app, 'SessionService/SignIn', { identifier: username, password });
  const copied = { ...w.reviewerTwo, token: cookie.slice(cookie.indexOf('=') + 1) };
  const watching = await follow(other, copied, intentId);
  const change = { userId, currentPassword: password, newPassword: 'quite another long one' };
  const token = { userId, name: 'lasting', scopes: ['approve'] };
  const [changed, late] = await inTurn(
    app,
    userId,
    () => postAt(app, 'UsersService/ChangePassword', change, asBrowser(cookie)),
    () => postAt(other, 'UsersService/CreatePersonalAccessToken', token, asBrowser(cookie)),
  );
  expect([changed.status, late.body.code]).toEqual([200, 'unauthenticated']);
  await w.reviewer.policies.approveRelease(gateOf(intentId));
  expect((await watching.told.then(() => null, ConnectError.from))?.code).toBe(Code.Unauthenticated);
});

describe('ids that do not belong together', () => {
  test('a release of another project of the same organisation does not exist in this one', async () => {
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
    const bypass = { ...mixed, forceBypass: true, comment: 'by the wrong door' };
    const { policies, pipelines } = w.admin;
    const codes = [
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
    ].map(codeOf);
    expect(new Set(await Promise.all(codes))).toEqual(new Set([Code.NotFound]));
    // Switched off where it belongs to, it opens nothing elsewhere.
    await policies.updatePolicy({ project: elsewhere, name: 'of billing', enabled: false });
    await staysShut(intentId);
    expect(await votesIn(intentId)).toEqual([]);
  });

  test('an id in capital letters is the same id, also to the record, which still fits', async () => {
    const intentId = await gated(2);
    const shouted = intentId.toUpperCase();
    await w.reviewer.policies.approveRelease(gateOf(shouted));
    await w.reviewer.policies.approveRelease({ ...gateOf(intentId), comment: 'the same voice' });
    expect(await votesIn(intentId)).toHaveLength(1);
    await w.author.releases.cancelRelease({ releaseIntentId: shouted });
    const { ok, problem } = await w.admin.policies.verifyHistory({ organisation: w.organisation });
    expect([ok, problem]).toEqual([true, undefined]);
    const filter = { organisation: w.organisation, releaseIntentId: shouted };
    const { entries } = await w.admin.policies.listHistory(filter);
    expect(entries.map(({ kind }) => kind)).toContain('release.cancelled');
  });

  test('things of another organisation cannot be named in one’s own', async () => {
    const intentId = await gated(1);
    const theirs = await aimAt(app);
    const { organisation, project } = w;
    const { admin, author } = w;
    const { artifactId } = await w.artifact();
    const stage = { id: 'go', config: { case: 'deploy', value: { environment: 'qa' } } } as const;
    const approval = { targetEnvironment: 'qa', requiredApprovals: 1 };
    const calls = [
      [
        author.releases.release({ artifactId: theirs.aim.artifactId, environments: ['staging'] }),
        Code.NotFound,
      ],
      [author.releases.release({ artifactId, environments: ['qa'] }), Code.NotFound],
      [author.releases.release({ artifactId, destinations: [theirs.aim.spareDestination] }), Code.NotFound],
      [author.releases.release({ artifactId, usePipeline: true, pipeline: 'planned' }), Code.NotFound],
      [
        author.releases.getPlanOutput({ releaseIntentId: theirs.aim.planIntentId, stageId: 'plan' }),
        Code.NotFound,
      ],
      [w.reviewer.releases.approvePlanStage({ releaseIntentId: intentId, stageId: 'plan' }), Code.NotFound],
      [
        admin.destinations.deleteDestination({ organisation, name: theirs.aim.spareDestination }),
        Code.NotFound,
      ],
      [admin.environments.deleteEnvironment({ id: theirs.aim.environmentId }), Code.NotFound],
      [
        admin.pipelines.createReleasePipeline({ project, name: 'mixed', stages: [stage] }),
        Code.InvalidArgument,
      ],
      [
        admin.policies.createPolicy({
          project,
          name: 'mixed',
          policyType: PolicyType.EXTERNAL_APPROVAL,
          config: { case: 'approval', value: approval },
        }),
        Code.InvalidArgument,
      ],
    ] as const;
    const answers = await Promise.all(calls.map(([call]) => codeOf(call)));
    expect(answers).toEqual(calls.map(([, code]) => code));
  });

  test('a page’s token says only where to go on: another organisation’s leads to one’s own things', async () => {
    const mine = await world(app);
    const theirs = await world(app);
    for (const one of [mine, theirs]) for (let n = 0; n < 3; n++) await one.artifact();
    const first = await theirs.admin.policies.listHistory({ organisation: theirs.organisation, pageSize: 1 });
    expect(first.nextPageToken).not.toBe('');
    const page = { organisation: mine.organisation, pageSize: 100, pageToken: first.nextPageToken };
    const found = await mine.admin.policies.listHistory(page).catch(() => ({ entries: [] }));
    const names = new Set([theirs.admin, theirs.author].map(({ username }) => username));
    expect(found.entries.filter(({ actorUsername }) => names.has(actorUsername))).toEqual([]);
    const artifacts = await theirs.admin.releases.getArtifactsByProject({
      project: theirs.project,
      pageSize: 1,
    });
    const next = { project: mine.project, pageSize: 100, pageToken: artifacts.nextPageToken };
    const read = await mine.admin.releases.getArtifactsByProject(next).catch(() => ({ artifact: [] }));
    for (const artifact of read.artifact) expect(artifact.project).toMatchObject(mine.project);
    for (const pageToken of [
      'x',
      '%00',
      first.nextPageToken.slice(1),
      Buffer.from('[null]').toString('base64url'),
    ]) {
      expect(await codeOf(mine.admin.policies.listHistory({ ...page, pageToken }))).toBe(
        Code.InvalidArgument,
      );
    }
    for (const pageSize of [-1, 501, -2_147_483_648]) {
      expect(await codeOf(mine.admin.policies.listHistory({ ...page, pageSize }))).toBe(Code.InvalidArgument);
    }
  });
});

describe('flags and fields that nobody gave', () => {
  test('a request cannot say who is calling, what they are, or that a rule is met', async () => {
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
      __proto__: { forceBypass: true },
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
      const answer = await callJson(app, methodNamed(name), { ...gateOf(intentId), ...forged }, headers);
      expect([name, answer.code]).toEqual([name, 'permission_denied']);
    }
    const forcing = { ...gateOf(intentId), forceBypass: true, comment: 'urgent' };
    for (const who of [w.author, w.reviewer]) {
      expect(await codeOf(who.policies.approveRelease(forcing))).toBe(Code.PermissionDenied);
      expect(await codeOf(who.policies.externalApproveRelease(forcing))).toBe(Code.PermissionDenied);
    }
    const more = { artifactId: (await w.artifact()).artifactId, environments: ['production'], force: true };
    const asked = await callJson(app, methodNamed('ReleaseService.Release'), { ...more, ...forged }, headers);
    expect(asked.code).toBe('ok');
    const { intents } = JSON.parse(asked.text) as { intents: { releaseIntentId: string }[] };
    const second = intents[0]?.releaseIntentId ?? '';
    await waits(second);
    // Whoever called is the author: the reviewer that the request named may still approve.
    expect(await codeOf(w.author.policies.approveRelease(gateOf(second)))).toBe(Code.PermissionDenied);
    expect(await codeOf(w.reviewer.policies.approveRelease(gateOf(second)))).toBeNull();
    await staysShut(intentId);
    expect(await votesIn(intentId)).toEqual([]);
  });

  test('a member makes nobody an admin, themselves least of all', async () => {
    w = await world(app);
    const { organisationId } = w;
    const { userId, organisations } = w.author;
    for (const role of ['admin', 'owner', 'Admin', 'ADMIN ', '', 'service', 'admin\0']) {
      const code = await codeOf(organisations.updateMemberRole({ organisationId, userId, role }));
      expect([Code.PermissionDenied, Code.InvalidArgument]).toContain(code);
      const byAdmin = await codeOf(w.admin.organisations.updateMemberRole({ organisationId, userId, role }));
      expect([role, byAdmin]).toEqual([role, role === 'admin' ? null : Code.InvalidArgument]);
      await w.admin.organisations.updateMemberRole({ organisationId, userId, role: 'member' });
    }
  });

  test('names that only look like another are other names, or none', async () => {
    w = await world(app);
    const { organisation, author, admin } = w;
    for (const name of [
      organisation.toUpperCase(),
      `${organisation}.`,
      `${organisation} `,
      `${organisation}\0`,
      organisation.replace('o', 'о'),
    ]) {
      const code = await codeOf(
        author.releases.getProjects({ query: { case: 'organisation', value: { organisation: name } } }),
      );
      expect([name, code === Code.NotFound || code === Code.InvalidArgument]).toEqual([name, true]);
    }
    const users = app.client(UsersService, {});
    for (const username of [
      admin.username.toUpperCase(),
      `${admin.username}\u200b`,
      ` ${admin.username}`,
      admin.username.replace('a', 'а'),
    ]) {
      const email = 'impostor@example.com';
      const code = await codeOf(users.register({ username, email, password: PASSWORD }));
      expect([username, code === Code.AlreadyExists || code === Code.InvalidArgument]).toEqual([
        username,
        true,
      ]);
    }
    const address = `${admin.username}@EXAMPLE.com`;
    expect(await codeOf(users.register({ username: 'impostor', email: address, password: PASSWORD }))).toBe(
      Code.AlreadyExists,
    );
  });
});

describe('the same request again, and two at once', () => {
  test('a vote that is sent again is one voice and one entry of the history', async () => {
    const intentId = await gated(2);
    for (let n = 0; n < 3; n++)
      await w.reviewer.policies.approveRelease({ ...gateOf(intentId), comment: 'yes' });
    await staysShut(intentId);
    expect(await votesIn(intentId)).toHaveLength(1);
    const { entries } = await w.admin.policies.listHistory({
      organisation: w.organisation,
      releaseIntentId: intentId,
    });
    expect(entries.filter(({ actorUserId }) => actorUserId === w.reviewer.userId)).toHaveLength(1);
  });

  test('votes of one user at the same instant on two servers are one voice', async () => {
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
      await staysShut(intentId);
      const { state } = await w.author.policies.getApprovalState(gateOf(intentId));
      expect(state?.currentApprovals).toBe(1);
    }
  });

  test('a refresh token works once; used again it ends the login that it was stolen from', async () => {
    const users = app.client(UsersService, {});
    const identifier = { case: 'username', value: w.reviewer.username } as const;
    const { tokens } = await users.login({ identifier, password: PASSWORD });
    const refreshToken = tokens?.refreshToken ?? '';
    const renewed = await other.client(UsersService, {}).refreshToken({ refreshToken });
    expect(await codeOf(users.refreshToken({ refreshToken }))).toBe(Code.Unauthenticated);
    const token = renewed.tokens?.accessToken ?? '';
    for (const server of [app, other]) {
      expect(await codeOf(server.client(UsersService, { token }).tokenInfo({}))).toBe(Code.Unauthenticated);
    }
    const again = { refreshToken: renewed.tokens?.refreshToken ?? '' };
    expect(await codeOf(users.refreshToken(again))).toBe(Code.Unauthenticated);
  });

  test('who bypasses at the instant of their demotion on another server either was an admin or bypasses nothing', async () => {
    const intentId = await gated(3);
    const { organisationId, reviewerTwo: second } = w;
    const { userId } = second;
    await w.admin.organisations.updateMemberRole({ organisationId, userId, role: 'admin' });
    const bypass = { ...gateOf(intentId), forceBypass: true, comment: 'while I can' };
    const demoting = other.client(OrganisationService, w.admin);
    await Promise.allSettled([
      second.policies.approveRelease(bypass),
      demoting.updateMemberRole({ organisationId, userId, role: 'member' }),
    ]);
    const state = await stateOf(w, intentId);
    if (state.steps.length > 0) return;
    await waits(intentId);
    const { state: gate } = await w.author.policies.getApprovalState(gateOf(intentId));
    expect(gate?.bypassedBy).toBeUndefined();
  });
});

describe('what changes between a vote and the deployment', () => {
  /** A release whose votes are all there, and that one hour of soaking holds. */
  async function soaking(): Promise<string> {
    const intentId = await gated(2);
    const value = { sourceEnvironment: 'staging', targetEnvironment: 'production', durationSeconds: 3600n };
    await w.admin.policies.createPolicy({
      project: w.project,
      name: 'soak',
      policyType: PolicyType.SOAK_TIME,
      config: { case: 'soakTime', value },
    });
    for (const by of [w.reviewer, w.reviewerTwo]) await by.policies.approveRelease(gateOf(intentId));
    await eventually(
      async () => (await stateOf(w, intentId)).stages[0]?.status === PipelineRunStageStatus.PENDING,
      'the soak alone to hold it',
    );
    return intentId;
  }
  /** The soak falls away: whatever else holds the release has to hold it now. */
  const soaked = () =>
    other.client(PolicyService, w.admin).deletePolicy({ project: w.project, name: 'soak' });

  test('a member who is removed votes no more, from the moment of the removal on every server', async () => {
    const intentId = await soaking();
    const { organisationId } = w;
    await w.admin.organisations.removeMember({ organisationId, userId: w.reviewerTwo.userId });
    const votes = at(other, w.reviewerTwo).policies.approveRelease(gateOf(intentId));
    expect(await codeOf(votes)).toBe(Code.NotFound);
    await soaked();
    await waits(intentId);
    await staysShut(intentId);
    const { state } = await w.author.policies.getApprovalState(gateOf(intentId));
    expect(state?.currentApprovals).toBe(1);
  });

  test('a policy that is raised holds what its former number would have let through', async () => {
    const intentId = await soaking();
    await other.client(PolicyService, w.admin).updatePolicy({
      project: w.project,
      name: 'gate',
      config: { case: 'approval', value: { targetEnvironment: 'production', requiredApprovals: 3 } },
    });
    await soaked();
    await waits(intentId);
    await staysShut(intentId);
  });

  test('a policy that is deleted and made again finds the votes as they are', async () => {
    const intentId = await soaking();
    await w.admin.policies.deletePolicy({ project: w.project, name: 'gate' });
    await w.approvalPolicy(3, 'production', 'gate');
    await soaked();
    await waits(intentId);
    expect(await votesIn(intentId)).toHaveLength(2);
    await w.admin.policies.approveRelease(gateOf(intentId));
    await ended(w, intentId);
  });

  test('a report after the end changes nothing, with the right token too', async () => {
    const intentId = await gated(1);
    await w.reviewer.policies.approveRelease(gateOf(intentId));
    const { steps } = await ended(w, intentId);
    const releaseId = steps[0]?.releaseId ?? '';
    await app.context.db.pool.query(
      'insert into release_report_tokens (token_hash, release_id) values ($1, $2)',
      [hashSecret('of-just-this-release'), releaseId],
    );
    const path = `/${ReleaseService.typeName}/ReportRelease`;
    const body = JSON.stringify({ releaseId, status: 'RELEASE_STATUS_FAILED', errorMessage: 'undone' });
    for (const token of ['x', w.admin.token]) {
      expect((await post(app, path, body, bearer({ token }))).code).toBe('unauthenticated');
    }
    const late = await post(other, path, body, bearer({ token: 'of-just-this-release' }));
    expect(late.code).not.toBe('unauthenticated');
    expect((await stateOf(w, intentId)).steps[0]?.errorMessage ?? '').toBe('');
    expect((await stateOf(w, intentId)).status).toBe(ReleaseIntentStatus.SUCCEEDED);
  });

  test('leaving and coming back gives no second voice', async () => {
    const intentId = await gated(2);
    const { organisationId } = w;
    const { userId } = w.reviewer;
    await w.reviewer.policies.approveRelease(gateOf(intentId));
    await w.admin.organisations.removeMember({ organisationId, userId });
    await w.admin.organisations.addMember({ organisationId, userId, role: 'member' });
    await w.reviewer.policies.approveRelease(gateOf(intentId));
    expect(await votesIn(intentId)).toHaveLength(1);
    await waits(intentId);
    await staysShut(intentId);
  });
});

test('a stranger who knows every id learns nothing, not even that it exists', async () => {
  const theirs = await aimAt(app);
  const stranger = await person(app, 'stranger');
  const nowhere = '01890000-0000-7000-8000-000000000000';
  const words = async (releaseIntentId: string, project: { organisation: string; project: string }) => {
    const error = await stranger.policies
      .getApprovalState({ project, releaseIntentId, targetEnvironment: 'production' })
      .then(() => null, ConnectError.from);
    return [
      error?.code,
      error?.rawMessage.replace(project.organisation, 'ORG').replace(project.project, 'PROJECT'),
    ];
  };
  const real = await words(theirs.aim.intentId, theirs.aim.project);
  expect(real).toEqual(await words(nowhere, { organisation: 'nowhere', project: 'nothing' }));
  expect(real).toEqual(await words(nowhere, theirs.aim.project));
});
