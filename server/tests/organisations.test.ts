import { Code, ConnectError } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OrganisationService } from '#server/gen/forest/v1/organisations_pb.ts';
import { UsersService } from '#server/gen/forest/v1/users_pb.ts';
import { startTestApp, type TestApp } from './harness.ts';

const PASSWORD = 'a long enough password';
const NOBODY = '01890000-0000-7000-8000-000000000000';

/** What the tests read of an answer's JSON; each answer holds some of it. */
interface Body {
  organisationId: string;
  organisation: object;
}

/** The code and words that a call is refused with. */
async function refusal(call: Promise<unknown>): Promise<{ code: Code; words: string }> {
  try {
    await call;
  } catch (error) {
    const { code, rawMessage } = ConnectError.from(error);
    return { code, words: rawMessage };
  }
  throw new Error('the call was not refused');
}
const codeOf = async (call: Promise<unknown>) => (await refusal(call)).code;

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ config: { registration: 'open' } });
});
afterAll(() => app.stop());

let made = 0;
async function person(name = 'person') {
  const username = `${name}-${++made}`;
  const answer = await app
    .client(UsersService, {})
    .register({ username, email: `${username}@example.com`, password: PASSWORD });
  const token = answer.tokens?.accessToken ?? '';
  return {
    username,
    userId: answer.user?.userId ?? '',
    token,
    organisations: app.client(OrganisationService, { token }),
  };
}

/** An organisation with an admin, a member, and somebody who does not belong to it. */
async function organisation() {
  const [admin, member, stranger] = [await person('admin'), await person('member'), await person('stranger')];
  const name = `org-${++made}`;
  const { organisationId } = await admin.organisations.createOrganisation({ name });
  await admin.organisations.addMember({ organisationId, userId: member.userId, role: 'member' });
  return { organisationId, name, admin, member, stranger };
}

async function history(organisationId: string) {
  const { rows } = await app.context.db.pool.query(
    `select kind, actor_username as actor, subject, before->>'role' as before, after->>'role' as after
       from history where organisation_id = $1 order by id`,
    [organisationId],
  );
  return rows;
}

describe('organisations', () => {
  test('over plain JSON: create, get, list', async () => {
    const { token, username } = await person('curl');
    const post = async (method: string, body: object, authorization = `Bearer ${token}`) => {
      const response = await fetch(`${app.url}/forest.v1.OrganisationService/${method}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization },
        body: JSON.stringify(body),
      });
      return { status: response.status, body: (await response.json()) as Body };
    };
    const { body } = await post('CreateOrganisation', { name: 'by-curl' });
    const { organisationId } = body;
    const got = await post('GetOrganisation', { name: 'by-curl' });
    expect(got.body.organisation).toMatchObject({ organisationId, name: 'by-curl' });
    const mine = await post('ListMyOrganisations', {});
    expect(mine.body).toEqual({ organisations: [got.body.organisation], roles: ['admin'] });
    const members = await post('ListMembers', { organisationId });
    expect(members.body).toMatchObject({ members: [{ username, role: 'admin' }], totalCount: 1 });
    expect((await post('ListMyOrganisations', {}, 'Bearer forage_a_unknown')).status).toBe(401);
    expect((await post('CreateOrganisation', { name: 'not a name' })).status).toBe(400);
  });

  test('a name that is taken is refused by name, also when two ask at once', async () => {
    const { organisations } = await person();
    const name = `twice-${++made}`;
    const both = await Promise.allSettled([1, 2].map(() => organisations.createOrganisation({ name })));
    expect(both.map((b) => b.status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await refusal(organisations.createOrganisation({ name }))).toEqual({
      code: Code.AlreadyExists,
      words: `the organisation "${name}" exists already`,
    });
  });

  test('are found by members, by id and by name, and by nobody else', async () => {
    const { organisationId, name, member, stranger } = await organisation();
    const byId = { identifier: { case: 'organisationId', value: organisationId } } as const;
    const byName = { identifier: { case: 'name', value: name } } as const;
    for (const request of [byId, byName]) {
      expect((await member.organisations.getOrganisation(request)).organisation).toMatchObject({
        organisationId,
        name,
      });
      expect(await codeOf(stranger.organisations.getOrganisation(request))).toBe(Code.NotFound);
    }
    expect(await codeOf(stranger.organisations.listMembers({ organisationId }))).toBe(Code.NotFound);
    expect(await codeOf(member.organisations.listMembers({ organisationId: NOBODY }))).toBe(Code.NotFound);
    expect(await codeOf(member.organisations.listMembers({ organisationId: 'x' }))).toBe(
      Code.InvalidArgument,
    );
  });

  test('are listed with the role in each, and by role', async () => {
    const one = await organisation();
    const { organisationId } = await one.member.organisations.createOrganisation({ name: `a-${++made}` });
    const all = await one.member.organisations.listMyOrganisations({});
    expect(all.organisations.map((o, i) => [o.organisationId, all.roles[i]])).toEqual([
      [organisationId, 'admin'],
      [one.organisationId, 'member'],
    ]);
    const asMember = await one.member.organisations.listMyOrganisations({ role: 'member' });
    expect(asMember.organisations.map((o) => o.organisationId)).toEqual([one.organisationId]);
    expect(await codeOf(one.member.organisations.listMyOrganisations({ role: 'owner' }))).toBe(
      Code.InvalidArgument,
    );
  });
});

describe('members', () => {
  test('are listed by username, in pages', async () => {
    const { organisationId, admin, member } = await organisation();
    const more = [await person('Zoe'), await person('anna')];
    for (const { userId } of more) {
      await admin.organisations.addMember({ organisationId, userId, role: 'member' });
    }
    const expected = [...more, admin, member]
      .map((m) => m.username)
      .sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1));
    const seen: string[] = [];
    let pageToken = '';
    do {
      const page = await member.organisations.listMembers({ organisationId, pageSize: 3, pageToken });
      expect(page.totalCount).toBe(4);
      expect(page.members.length).toBeLessThanOrEqual(3);
      seen.push(...page.members.map((m) => m.username));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(seen).toEqual(expected);
  });

  test('are added, promoted, demoted and removed by admins, and the history tells', async () => {
    const { organisationId, name, admin, member, stranger } = await organisation();
    const { userId } = stranger;
    const added = await admin.organisations.addMember({ organisationId, userId, role: 'admin' });
    expect(added.member).toMatchObject({ userId, username: stranger.username, role: 'admin' });
    const demoted = await admin.organisations.updateMemberRole({ organisationId, userId, role: 'member' });
    expect(demoted.member).toMatchObject({ userId, role: 'member', joinedAt: added.member?.joinedAt });
    await admin.organisations.updateMemberRole({ organisationId, userId, role: 'member' });
    await admin.organisations.removeMember({ organisationId, userId });
    expect(await codeOf(stranger.organisations.listMembers({ organisationId }))).toBe(Code.NotFound);

    const actor = admin.username;
    const subject = `member ${stranger.username}`;
    expect(await history(organisationId)).toEqual([
      { kind: 'organisation.created', actor, subject: `organisation ${name}`, before: null, after: null },
      { kind: 'member.added', actor, subject: `member ${member.username}`, before: null, after: 'member' },
      { kind: 'member.added', actor, subject, before: null, after: 'admin' },
      { kind: 'member.role_changed', actor, subject, before: 'admin', after: 'member' },
      { kind: 'member.removed', actor, subject, before: 'member', after: null },
    ]);
  });

  test('changes are refused with the right code, and leave no trace', async () => {
    const { organisationId, admin, member, stranger } = await organisation();
    const before = await history(organisationId);
    const { userId } = stranger;
    const asMember = member.organisations;
    for (const call of [
      () => asMember.addMember({ organisationId, userId, role: 'member' }),
      () => asMember.updateMemberRole({ organisationId, userId: member.userId, role: 'admin' }),
      () => asMember.removeMember({ organisationId, userId: admin.userId }),
      () => asMember.removeMember({ organisationId, userId: member.userId }),
    ]) {
      expect(await codeOf(call())).toBe(Code.PermissionDenied);
    }
    const outside = stranger.organisations.addMember({ organisationId, userId, role: 'admin' });
    expect(await codeOf(outside)).toBe(Code.NotFound);

    const { organisations } = admin;
    const twice = organisations.addMember({ organisationId, userId: member.userId, role: 'admin' });
    expect(await refusal(twice)).toMatchObject({
      code: Code.AlreadyExists,
      words: expect.stringContaining(member.username),
    });
    expect(await codeOf(organisations.addMember({ organisationId, userId: NOBODY, role: 'member' }))).toBe(
      Code.NotFound,
    );
    expect(await codeOf(organisations.addMember({ organisationId, userId, role: 'owner' }))).toBe(
      Code.InvalidArgument,
    );
    expect(await codeOf(organisations.removeMember({ organisationId, userId }))).toBe(Code.NotFound);
    expect(await codeOf(organisations.updateMemberRole({ organisationId, userId, role: 'admin' }))).toBe(
      Code.NotFound,
    );
    expect(await history(organisationId)).toEqual(before);
  });

  test('added twice at once are added once', async () => {
    const { organisationId, admin, stranger } = await organisation();
    const add = () =>
      admin.organisations.addMember({ organisationId, userId: stranger.userId, role: 'member' });
    const codes = await Promise.all(
      [add(), add()].map((call) =>
        call.then(
          () => 'added',
          (error: unknown) => ConnectError.from(error).code,
        ),
      ),
    );
    expect(codes.map(String).sort()).toEqual([String(Code.AlreadyExists), 'added'].sort());
  });

  test('the last admin can be neither removed nor demoted, until there is another', async () => {
    const { organisationId, admin, member } = await organisation();
    const { organisations, userId } = admin;
    const demote = () => organisations.updateMemberRole({ organisationId, userId, role: 'member' });
    const remove = () => organisations.removeMember({ organisationId, userId });
    for (const call of [demote, remove]) {
      expect(await refusal(call())).toMatchObject({
        code: Code.FailedPrecondition,
        words: expect.stringContaining('only admin'),
      });
    }
    await organisations.updateMemberRole({ organisationId, userId: member.userId, role: 'admin' });
    await demote();
    expect(await codeOf(remove())).toBe(Code.PermissionDenied);
    await member.organisations.removeMember({ organisationId, userId });
    const { members } = await member.organisations.listMembers({ organisationId });
    expect(members.map((m) => [m.userId, m.role])).toEqual([[member.userId, 'admin']]);
  });

  test('two admins who remove each other at the same moment leave one', async () => {
    for (let round = 0; round < 5; round++) {
      const { organisationId, admin, member } = await organisation();
      await admin.organisations.updateMemberRole({ organisationId, userId: member.userId, role: 'admin' });
      await Promise.allSettled([
        admin.organisations.removeMember({ organisationId, userId: member.userId }),
        member.organisations.removeMember({ organisationId, userId: admin.userId }),
      ]);
      const { rows } = await app.context.db.pool.query(
        `select role from memberships where organisation_id = $1`,
        [organisationId],
      );
      expect(rows).toEqual([{ role: 'admin' }]);
    }
  });

  test('leave by themselves, unasked for as they were added, and the history tells', async () => {
    const { organisationId, name, admin, member, stranger } = await organisation();
    const leave = (who: typeof member) => who.organisations.leaveOrganisation({ organisationId });
    expect(await codeOf(leave(stranger))).toBe(Code.NotFound);
    const malformed = member.organisations.leaveOrganisation({ organisationId: name });
    expect(await codeOf(malformed)).toBe(Code.InvalidArgument);
    const before = await history(organisationId);
    await leave(member);
    expect(await codeOf(leave(member))).toBe(Code.NotFound);
    expect(await codeOf(member.organisations.listMembers({ organisationId }))).toBe(Code.NotFound);
    expect((await member.organisations.listMyOrganisations({})).organisations).toEqual([]);
    expect(await history(organisationId)).toEqual([
      ...before,
      {
        kind: 'member.removed',
        actor: member.username,
        subject: `member ${member.username}`,
        before: 'member',
        after: null,
      },
    ]);
    // Of what they do from here on, the organisation learns nothing.
    const identifier = { case: 'username', value: member.username } as const;
    await app.client(UsersService, {}).login({ identifier, password: PASSWORD });
    expect(await history(organisationId)).toHaveLength(before.length + 1);
    const { members } = await admin.organisations.listMembers({ organisationId });
    expect(members.map((one) => one.userId)).toEqual([admin.userId]);
  });

  test('the last admin cannot leave, and of two who leave at the same moment one stays', async () => {
    const { organisationId, admin, member } = await organisation();
    const leave = (who: typeof member) => who.organisations.leaveOrganisation({ organisationId });
    const before = await history(organisationId);
    expect(await refusal(leave(admin))).toEqual({
      code: Code.FailedPrecondition,
      words: expect.stringMatching(/only admin of .* cannot leave: make somebody else admin first/),
    });
    expect(await history(organisationId)).toEqual(before);
    for (let round = 0; round < 5; round++) {
      const two = await organisation();
      const { organisationId: id } = two;
      const role = { organisationId: id, userId: two.member.userId, role: 'admin' };
      await two.admin.organisations.updateMemberRole(role);
      const left = await Promise.allSettled(
        [two.admin, two.member].map((who) => who.organisations.leaveOrganisation({ organisationId: id })),
      );
      expect(left.map((one) => one.status).sort()).toEqual(['fulfilled', 'rejected']);
    }
    await admin.organisations.updateMemberRole({ organisationId, userId: member.userId, role: 'admin' });
    await leave(admin);
    const { members } = await member.organisations.listMembers({ organisationId });
    expect(members.map((m) => [m.userId, m.role])).toEqual([[member.userId, 'admin']]);
  });

  test('a change wakes the waiting releases of the organisation, one that changes nothing does not', async () => {
    const { organisationId, admin, member } = await organisation();
    const { pool } = app.context.db;
    const [projectId, artifactId, intentId] = [1, 2, 3].map(() => app.context.newId());
    await pool.query(
      `insert into projects (id, organisation_id, name, created_at) values ($1, $2, 'checkout', now())`,
      [projectId, organisationId],
    );
    await pool.query(
      `insert into artifacts (id, project_id, slug, title, commit_sha, created_by, created_at)
       values ($1, $2, 'slug-of-the-waiting', 'a title', 'abc', $3, now())`,
      [artifactId, projectId, admin.userId],
    );
    await pool.query(
      `insert into release_intents (id, project_id, artifact_id, actor_id, seen_generation, created_at)
       values ($1, $2, $3, $4, 1, now())`,
      [intentId, projectId, artifactId, admin.userId],
    );
    // It waits for tomorrow, so whoever is woken finds nothing to do.
    await pool.query(
      `insert into stages (release_intent_id, id, position, type, duration_seconds, status, started_at, wait_until)
       values ($1, 'pause', 0, 'wait', 86400, 'ACTIVE', now(), now() + interval '1 day')`,
      [intentId],
    );
    const generation = async () =>
      (await pool.query('select wanted_generation as g from release_intents where id = $1', [intentId]))
        .rows[0].g;
    const { userId } = member;
    expect(await generation()).toBe(1);
    await admin.organisations.updateMemberRole({ organisationId, userId, role: 'admin' });
    expect(await generation()).toBe(2);
    await admin.organisations.updateMemberRole({ organisationId, userId, role: 'admin' });
    expect(await generation()).toBe(2);
    await admin.organisations.removeMember({ organisationId, userId });
    expect(await generation()).toBe(3);
    await admin.organisations.addMember({ organisationId, userId, role: 'member' });
    expect(await generation()).toBe(4);
    await member.organisations.leaveOrganisation({ organisationId });
    expect(await generation()).toBe(5);
  });
});
