import { afterAll, describe, expect, test } from 'vitest';
import { gatedRelease } from './gate-world.ts';
import { startTestApp } from './harness.ts';
import { expectRefusal, refusal } from './refusal.ts';
import { PASSWORD, type Person, person as registerPerson, uniqueName, world } from './world.ts';

const NOBODY = '01890000-0000-7000-8000-000000000000';

const app = await startTestApp();
afterAll(() => app.stop());

const person = (name?: string) => registerPerson(app, name);

/** An organisation with an admin and a member, and a user outside it. */
async function organisation() {
  const [admin, member, stranger] = [await person('admin'), await person('member'), await person('stranger')];
  const name = uniqueName('org');
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

const rolesIn = async (organisationId: string, viewer: Person) =>
  (await viewer.organisations.listMembers({ organisationId })).members.map(({ userId, role }) => [
    userId,
    role,
  ]);

describe('organisations', () => {
  test('have unique names, also when two are created at once', async () => {
    const { organisations } = await person();
    const name = uniqueName('twice');
    const create = () => organisations.createOrganisation({ name });
    const both = await Promise.allSettled([create(), create()]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const message = `Organisation "${name}" already exists`;
    expect(await refusal(create())).toMatchObject({ code: 'AlreadyExists', message });
  });

  test('are found by id and by name', async () => {
    const { organisationId, name, member } = await organisation();
    for (const identifier of [
      { case: 'organisationId', value: organisationId },
      { case: 'name', value: name },
    ] as const) {
      const found = await member.organisations.getOrganisation({ identifier });
      expect(found.organisation).toMatchObject({ organisationId, name });
    }
  });

  test('are listed with the caller’s role, and filtered by it', async () => {
    const one = await organisation();
    const { organisations } = one.member;
    const { organisationId } = await organisations.createOrganisation({ name: uniqueName('a') });
    const all = await organisations.listMyOrganisations({});
    expect(all.organisations.map((o, i) => [o.organisationId, all.roles[i]])).toEqual([
      [organisationId, 'admin'],
      [one.organisationId, 'member'],
    ]);
    const asMember = await organisations.listMyOrganisations({ role: 'member' });
    expect(asMember.organisations.map((o) => o.organisationId)).toEqual([one.organisationId]);
    await expectRefusal('InvalidArgument', organisations.listMyOrganisations({ role: 'owner' }));
  });
});

describe('members', () => {
  test('are listed by username, in pages', async () => {
    const { organisationId, admin, member } = await organisation();
    const names = [admin.username, member.username];
    for (const name of ['Zoe', 'anna']) {
      const { userId, username } = await person(name);
      await admin.organisations.addMember({ organisationId, userId, role: 'member' });
      names.push(username);
    }
    names.sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1));
    const list = (pageToken: string) =>
      member.organisations.listMembers({ organisationId, pageSize: 3, pageToken });
    const first = await list('');
    const last = await list(first.nextPageToken);
    expect([first, last].map((page) => page.members.map(({ username }) => username))).toEqual([
      names.slice(0, 3),
      names.slice(3),
    ]);
    expect([first.totalCount, last.totalCount, last.nextPageToken]).toEqual([4, 4, '']);
  });

  test('are added, promoted, demoted and removed by admins, as the history shows', async () => {
    const { organisationId, name, admin, member, stranger } = await organisation();
    const { userId } = stranger;
    const { organisations } = admin;
    const added = await organisations.addMember({ organisationId, userId, role: 'admin' });
    expect(added.member).toMatchObject({ userId, username: stranger.username, role: 'admin' });
    const demote = () => organisations.updateMemberRole({ organisationId, userId, role: 'member' });
    const { member: demoted } = await demote();
    expect(demoted).toMatchObject({ userId, role: 'member', joinedAt: added.member?.joinedAt });
    await demote();
    await organisations.removeMember({ organisationId, userId });
    await expectRefusal('NotFound', stranger.organisations.listMembers({ organisationId }));

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

  test('refused changes have the right code and leave no trace', async () => {
    const { organisationId, admin, member, stranger } = await organisation();
    const before = await history(organisationId);
    const { userId } = stranger;
    const add = (who: Person, id: string) =>
      who.organisations.addMember({ organisationId, userId: id, role: 'admin' });
    const promote = (who: Person, id: string) =>
      who.organisations.updateMemberRole({ organisationId, userId: id, role: 'admin' });
    const remove = (who: Person, id: string) =>
      who.organisations.removeMember({ organisationId, userId: id });
    await expectRefusal('PermissionDenied', promote(member, member.userId), remove(member, member.userId));
    await expectRefusal('NotFound', add(admin, NOBODY), remove(admin, userId), promote(admin, userId));
    const twice = await refusal(add(admin, member.userId));
    expect(twice).toMatchObject({ code: 'AlreadyExists', message: expect.stringContaining(member.username) });
    expect(await history(organisationId)).toEqual(before);
  });

  test('one of two simultaneous additions succeeds', async () => {
    const { organisationId, admin, stranger } = await organisation();
    const add = async () =>
      admin.organisations.addMember({ organisationId, userId: stranger.userId, role: 'member' });
    const both = await Promise.allSettled([add(), add()]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    await expectRefusal('AlreadyExists', add());
  });

  test('the only admin can be neither removed nor demoted, and cannot leave', async () => {
    const { organisationId, admin, member } = await organisation();
    const { organisations, userId } = admin;
    const before = await history(organisationId);
    const demote = () => organisations.updateMemberRole({ organisationId, userId, role: 'member' });
    const remove = () => organisations.removeMember({ organisationId, userId });
    const leave = () => organisations.leaveOrganisation({ organisationId });
    for (const call of [demote, remove, leave]) {
      const message = expect.stringMatching(/only admin .*Make another member an admin first\./);
      expect(await refusal(call())).toMatchObject({ code: 'FailedPrecondition', message });
    }
    expect(await history(organisationId)).toEqual(before);
    await organisations.updateMemberRole({ organisationId, userId: member.userId, role: 'admin' });
    await demote();
    await expectRefusal('PermissionDenied', remove());
    await leave();
    expect(await rolesIn(organisationId, member)).toEqual([[member.userId, 'admin']]);
  });

  test.each(['removeMember', 'leaveOrganisation'] as const)(
    'one of two admins who end each other’s or their own membership at once by %s stays',
    async (method) => {
      for (let round = 0; round < 5; round++) {
        const { organisationId, admin, member } = await organisation();
        await admin.organisations.updateMemberRole({ organisationId, userId: member.userId, role: 'admin' });
        const end = (by: Person, { userId }: Person) => by.organisations[method]({ organisationId, userId });
        await Promise.allSettled([end(admin, member), end(member, admin)]);
        const sql = 'select role from memberships where organisation_id = $1';
        expect((await app.context.db.pool.query(sql, [organisationId])).rows).toEqual([{ role: 'admin' }]);
      }
    },
  );

  test('can leave, as the history shows', async () => {
    const { organisationId, name, admin, member, stranger } = await organisation();
    const leave = (who: Person) => who.organisations.leaveOrganisation({ organisationId });
    await expectRefusal('NotFound', leave(stranger));
    await expectRefusal('InvalidArgument', member.organisations.leaveOrganisation({ organisationId: name }));
    const before = await history(organisationId);
    await leave(member);
    await expectRefusal('NotFound', leave(member), member.organisations.listMembers({ organisationId }));
    expect((await member.organisations.listMyOrganisations({})).organisations).toEqual([]);
    const subject = `member ${member.username}`;
    const left = { kind: 'member.removed', actor: member.username, subject, before: 'member', after: null };
    expect(await history(organisationId)).toEqual([...before, left]);
    // Later sign-ins are not in this organisation's history.
    const identifier = { case: 'username', value: member.username } as const;
    await member.users.login({ identifier, password: PASSWORD });
    expect(await history(organisationId)).toHaveLength(before.length + 1);
    expect(await rolesIn(organisationId, admin)).toEqual([[admin.userId, 'admin']]);
  });

  test('changes wake the organisation’s waiting releases, repetitions do not', async () => {
    const w = await world(app);
    await w.approvalPolicy(1);
    const intentId = await gatedRelease(w);
    const generation = async () => {
      const sql = 'select wanted_generation as g from release_intents where id = $1';
      return (await app.context.db.pool.query(sql, [intentId])).rows[0].g as number;
    };
    const { organisationId } = w;
    const { userId } = w.reviewer;
    const { organisations } = w.admin;
    const promote = () => organisations.updateMemberRole({ organisationId, userId, role: 'admin' });
    const before = await generation();
    for (const [change, wakes] of [
      [promote, 1],
      [promote, 1],
      [() => organisations.removeMember({ organisationId, userId }), 2],
      [() => organisations.addMember({ organisationId, userId, role: 'member' }), 3],
      [() => w.reviewer.organisations.leaveOrganisation({ organisationId }), 4],
    ] as const) {
      await change();
      expect((await generation()) - before).toBe(wakes);
    }
  });
});
