import type { AppContext } from '#server/context.ts';
import { isUniqueViolation, type Transaction } from '#server/db/database.ts';
import { Failure, failedPrecondition, notFound, permissionDenied } from '#server/failure.ts';
import { accessEnded, type Caller } from '#server/features/access/service.ts';
import { wakeOrganisation } from '#server/features/gate/wake.ts';
import { record } from '#server/features/history/service.ts';
import type { OrganisationScope } from '#server/rpc/access.ts';
import type { Page } from '#server/rpc/page.ts';
import {
  countMembers,
  deleteMember,
  findAdminSomewhere,
  findMember,
  findOrganisation,
  hasOtherAdmin,
  insertMember,
  insertOrganisation,
  listMembers,
  listOrganisationsOf,
  lockOrganisation,
  type MemberRow,
  type MembershipRow,
  type OrganisationRow,
  type Role,
  updateMemberRole,
} from './store.ts';

export type Organisation = OrganisationRow;
export type Membership = MembershipRow;
export type Member = MemberRow;
export type { Role };

/** Who does something: what the history needs of a caller. */
type Actor = Pick<Caller, 'userId' | 'username'>;

/**
 * Creates an organisation with its first admin, within somebody's transaction (the set-up makes the user in the same).
 * @throws Failure `already_exists`.
 */
export async function addOrganisation(
  tx: Transaction,
  app: AppContext,
  actor: Actor,
  name: string,
): Promise<Organisation> {
  const organisation = { organisationId: app.newId(), name, createdAt: app.clock.now() };
  try {
    await insertOrganisation(tx, organisation);
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    const fields = [{ field: 'name', message: 'is taken' }];
    throw new Failure('already_exists', `the organisation "${name}" exists already`, { fields });
  }
  const { organisationId, createdAt } = organisation;
  await insertMember(tx, organisationId, actor.userId, 'admin', createdAt);
  await record(tx, app, {
    organisationId,
    kind: 'organisation.created',
    actor: actorOf(actor),
    subject: `organisation ${name}`,
    after: { name, admin: actor.username },
  });
  return organisation;
}

const actorOf = ({ userId, username }: Actor): Actor => ({ userId, username });

/** Whether the caller is an admin of any organisation of this server. */
export const isAdminSomewhere = (app: AppContext, caller: Caller): Promise<boolean> =>
  findAdminSomewhere(app.db, caller.userId);

/**
 * Creates an organisation; the caller becomes its admin. Where registration is closed only somebody who is an admin
 * already may: admins make users there, and nobody is to become one unasked.
 * @throws Failure `permission_denied`, `already_exists`.
 */
export async function createOrganisation(
  app: AppContext,
  caller: Caller,
  name: string,
): Promise<Organisation> {
  if (app.config.registration === 'closed' && !(await isAdminSomewhere(app, caller))) {
    throw permissionDenied('only an admin of an organisation can create another one on this server');
  }
  return await app.db.transaction((tx) => addOrganisation(tx, app, caller, name));
}

/** The organisation that the caller was let into. */
export async function getOrganisation(app: AppContext, scope: OrganisationScope): Promise<Organisation> {
  const organisation = await findOrganisation(app.db, scope.organisationId);
  if (organisation === null) throw notFound(`organisation "${scope.organisation}"`);
  return organisation;
}

/** The organisations of a user, by name, with their role in each; '' means whatever role. */
export async function membershipsOf(
  app: AppContext,
  userId: string,
  role: Role | '' = '',
): Promise<Membership[]> {
  return await listOrganisationsOf(app.db, userId, role);
}

/** Runs a change of the membership: one at a time per organisation, so that two cannot both remove the last admin. */
async function changeMembership<T>(
  app: AppContext,
  organisationId: string,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  return await app.db.transaction(async (tx) => {
    await lockOrganisation(tx, organisationId);
    return await work(tx);
  });
}

/** Remembers a change of the membership and lets waiting releases count their votes anew. */
async function recordChange(
  tx: Transaction,
  app: AppContext,
  caller: Caller,
  organisationId: string,
  change: { kind: string; before: Member | null; after: Member | null },
): Promise<void> {
  const shown = (m: Member | null) =>
    m === null ? null : { user_id: m.userId, username: m.username, role: m.role };
  await record(tx, app, {
    organisationId,
    kind: change.kind,
    actor: actorOf(caller),
    subject: `member ${(change.after ?? change.before)?.username ?? ''}`,
    before: shown(change.before),
    after: shown(change.after),
  });
  await wakeOrganisation(tx, app, organisationId);
}

/**
 * Adds a user.
 * @throws Failure `not_found` for an unknown user; `already_exists` for a member, whatever their role.
 */
export async function addMember(
  app: AppContext,
  caller: Caller,
  scope: OrganisationScope,
  input: { userId: string; role: Role },
): Promise<Member> {
  const { organisationId, organisation } = scope;
  return await changeMembership(app, organisationId, async (tx) => {
    const present = await findMember(tx, organisationId, input.userId);
    if (present !== null) {
      throw new Failure('already_exists', `${present.username} is a member of ${organisation} already`);
    }
    const added = await insertMember(tx, organisationId, input.userId, input.role, app.clock.now());
    if (added === null) throw notFound(`user ${input.userId}`);
    await recordChange(tx, app, caller, organisationId, { kind: 'member.added', before: null, after: added });
    return added;
  });
}

/**
 * Removes a member. Their votes stay in the record and count no longer.
 * @throws Failure `not_found` when they are no member; `failed_precondition` for the last admin.
 */
export async function removeMember(
  app: AppContext,
  caller: Caller,
  scope: OrganisationScope,
  userId: string,
): Promise<void> {
  await endMembership(app, caller, scope, userId, 'be removed');
}

/**
 * Ends the caller's own membership, which no admin has to allow. Otherwise as when an admin removes them.
 * @throws Failure `not_found` when they are a member no more; `failed_precondition` for the last admin.
 */
export async function leaveOrganisation(
  app: AppContext,
  caller: Caller,
  scope: OrganisationScope,
): Promise<void> {
  await endMembership(app, caller, scope, caller.userId, 'leave');
}

async function endMembership(
  app: AppContext,
  caller: Caller,
  scope: OrganisationScope,
  userId: string,
  deed: string,
): Promise<void> {
  const { organisationId } = scope;
  await changeMembership(app, organisationId, async (tx) => {
    const member = await memberOf(tx, scope, userId);
    if (member.role === 'admin') await requireOtherAdmin(tx, scope, member, deed);
    await deleteMember(tx, organisationId, member.userId);
    accessEnded(tx, app, member.userId);
    await recordChange(tx, app, caller, organisationId, {
      kind: 'member.removed',
      before: member,
      after: null,
    });
  });
}

/**
 * Gives a member a role; the one they have already changes nothing.
 * @throws Failure `not_found` when they are no member; `failed_precondition` for the last admin.
 */
export async function changeMemberRole(
  app: AppContext,
  caller: Caller,
  scope: OrganisationScope,
  input: { userId: string; role: Role },
): Promise<Member> {
  const { organisationId } = scope;
  return await changeMembership(app, organisationId, async (tx) => {
    const member = await memberOf(tx, scope, input.userId);
    if (member.role === input.role) return member;
    if (member.role === 'admin') await requireOtherAdmin(tx, scope, member, 'be made a member');
    await updateMemberRole(tx, organisationId, member.userId, input.role);
    const changed = { ...member, role: input.role };
    await recordChange(tx, app, caller, organisationId, {
      kind: 'member.role_changed',
      before: member,
      after: changed,
    });
    return changed;
  });
}

async function memberOf(tx: Transaction, scope: OrganisationScope, userId: string): Promise<Member> {
  const member = await findMember(tx, scope.organisationId, userId);
  if (member === null) throw notFound(`member ${userId} of ${scope.organisation}`);
  return member;
}

async function requireOtherAdmin(
  tx: Transaction,
  { organisationId, organisation }: OrganisationScope,
  member: Member,
  deed: string,
): Promise<void> {
  if (await hasOtherAdmin(tx, organisationId, member.userId)) return;
  throw failedPrecondition(
    `${member.username} is the only admin of ${organisation} and cannot ${deed}: make somebody else admin first`,
  );
}

/** Members by username, one more than the page holds, and how many there are in all. */
export async function membersOf(
  app: AppContext,
  scope: OrganisationScope,
  page: Page,
): Promise<{ members: Member[]; totalCount: number }> {
  const after = page.after === null ? null : (page.after[0] ?? '');
  const members = await listMembers(app.db, scope.organisationId, after, page.limit + 1);
  return { members, totalCount: await countMembers(app.db, scope.organisationId) };
}
