import type { AppContext } from '#server/context.ts';
import { isUniqueViolation, single, type Transaction } from '#server/db/database.ts';
import { Failure, failedPrecondition, notFound, permissionDenied } from '#server/failure.ts';
import { type Caller, publishAccessChange } from '#server/features/access/service.ts';
import { wakeOrganisation } from '#server/features/gate/wake.ts';
import { type Actor, record } from '#server/features/history/service.ts';
import { requireRoom } from '#server/features/limits/service.ts';
import { revokeServiceTokensOf } from '#server/features/service-accounts/service.ts';
import { FILE_RETENTION_DAYS } from '#server/limits.ts';
import { nameTaken } from '#server/wire/create-unique.ts';
import { nextPageToken, type Page } from '#server/wire/pages.ts';
import type { OrganisationScope } from '#server/wire/scopes.ts';
import * as store from './store.ts';

export type Organisation = store.OrganisationRow;
export type Membership = store.MembershipRow;
export type Member = store.MemberRow;
export type Role = store.Role;

/**
 * Creates an organisation with its first admin, in the caller's transaction.
 * @throws Failure `already_exists`.
 */
export async function addOrganisation(
  tx: Transaction,
  app: AppContext,
  actor: Actor,
  name: string,
): Promise<Organisation> {
  const organisationId = app.newId();
  const createdAt = app.clock.now();
  try {
    await tx.run(store.insertOrganisation, [organisationId, name, createdAt]);
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    const fields = [{ field: 'name', message: 'is taken' }];
    throw nameTaken(error, { message: `Organisation "${name}" already exists`, name, fields });
  }
  await tx.run(store.insertMember, [organisationId, actor.userId, 'admin', createdAt]);
  await record(tx, app, {
    organisationId,
    kind: 'organisation.created',
    actor,
    subject: `organisation ${name}`,
    after: { name, admin: actor.username },
  });
  return { organisationId, name, createdAt, fileRetentionDays: null };
}

/** Whether the caller is an admin of any organisation on this server. */
export async function isAdminSomewhere(app: AppContext, { userId }: Caller): Promise<boolean> {
  return (await app.db.run(store.isAdminSomewhere, [userId]))[0]?.admin === true;
}

/**
 * Creates an organisation with the caller as its admin. With closed registration the caller must be an admin already.
 * @throws Failure `permission_denied`, `already_exists`; `resource_exhausted` when the caller is an admin of 20.
 */
export async function createOrganisation(
  app: AppContext,
  caller: Caller,
  name: string,
): Promise<Organisation> {
  if (app.config.registration === 'closed' && !(await isAdminSomewhere(app, caller)))
    throw permissionDenied('Only an admin of an organisation can create another one on this server');
  return await app.db.transaction(async (tx) => {
    await requireRoom(tx, 'organisation', { id: caller.userId, name: caller.username });
    return await addOrganisation(tx, app, caller, name);
  });
}

export async function getOrganisation(app: AppContext, scope: OrganisationScope): Promise<Organisation> {
  const [organisation] = await app.db.run(store.findOrganisation, [scope.organisationId]);
  if (organisation === undefined) throw notFound(`Organisation "${scope.organisation}"`);
  return organisation;
}

/** Changes settings; an absent one keeps its value. */
export async function updateOrganisation(
  app: AppContext,
  caller: Caller,
  scope: OrganisationScope,
  request: { readonly fileRetentionDays?: number | undefined },
): Promise<Organisation> {
  const { organisationId, organisation } = scope;
  return await app.db.transaction(async (tx) => {
    await tx.run(store.lockOrganisation, [organisationId]);
    const before = single(await tx.run(store.findOrganisation, [organisationId]));
    const after = { ...before, fileRetentionDays: request.fileRetentionDays ?? before.fileRetentionDays };
    if (after.fileRetentionDays === before.fileRetentionDays) return before;
    await tx.run(store.updateOrganisation, [organisationId, after.fileRetentionDays]);
    const stateOf = (row: Organisation) => ({ file_retention_days: retentionDays(row) });
    await record(tx, app, {
      organisationId,
      kind: 'organisation.updated',
      actor: caller,
      subject: `organisation ${organisation}`,
      before: stateOf(before),
      after: stateOf(after),
    });
    return after;
  });
}

/** Days after which the files of old builds are removed. */
export const retentionDays = ({ fileRetentionDays }: Organisation): number =>
  fileRetentionDays ?? FILE_RETENTION_DAYS;

/** The organisations of a user, by name, with their role in each; role '' means any role. */
export async function listMemberships(
  app: AppContext,
  userId: string,
  role: Role | '' = '',
): Promise<Membership[]> {
  return await app.db.run(store.listMemberships, [userId, role]);
}

/** The organisations of a user as `listMemberships` has them, with what there is in each. */
export async function listCountedMemberships(app: AppContext, userId: string, role: Role | '') {
  const [memberships, counts] = await Promise.all([
    listMemberships(app, userId, role),
    app.db.run(store.countContents, [userId]),
  ]);
  const countsById = new Map(counts.map((row) => [row.organisationId, row]));
  return memberships.map((membership) => ({
    ...membership,
    counts: countsById.get(membership.organisationId) ?? { projects: 0, failed: 0 },
  }));
}

/** A page of members, by username, and how many there are in all. */
export async function listMembers(app: AppContext, { organisationId }: OrganisationScope, page: Page) {
  const params = [organisationId, page.after?.[0] ?? null, page.limit + 1] as const;
  const members = await app.db.run(store.listMembers, params);
  const [counted] = await app.db.run(store.countMembers, [organisationId]);
  return {
    ...nextPageToken(members, page.limit, ({ username }) => [username]),
    totalCount: counted?.count ?? 0,
  };
}

/**
 * Adds a user.
 * @throws Failure `not_found` for an unknown user; `already_exists` for a member in any role.
 */
export async function addMember(
  app: AppContext,
  caller: Caller,
  { organisationId, organisation }: OrganisationScope,
  { userId, role }: { userId: string; role: Role },
): Promise<Member> {
  return await app.db.transaction(async (tx) => {
    await tx.run(store.lockOrganisation, [organisationId]);
    const [present] = await tx.run(store.findMember, [organisationId, userId]);
    if (present !== undefined)
      throw new Failure('already_exists', `${present.username} is already a member of ${organisation}`);
    const [added] = await tx.run(store.insertMember, [organisationId, userId, role, app.clock.now()]);
    if (added === undefined) throw notFound(`User ${userId}`);
    await recordMember(tx, app, caller, organisationId, { kind: 'member.added', after: added });
    return added;
  });
}

/**
 * Removes a member, and on request revokes the tokens of service accounts that they created. Their votes stay in the history and
 * no longer count.
 * @throws Failure `not_found` when they are not a member; `failed_precondition` for the only admin.
 */
export async function removeMember(
  app: AppContext,
  caller: Caller,
  scope: OrganisationScope,
  { userId, revokeCreatedTokens }: { userId: string; revokeCreatedTokens: boolean },
): Promise<void> {
  const { organisationId } = scope;
  await app.db.transaction(async (tx) => {
    await tx.run(store.lockOrganisation, [organisationId]);
    const member = await requireMember(tx, scope, userId);
    if (revokeCreatedTokens && userId === caller.userId && member.role !== 'admin')
      throw permissionDenied('Only an admin can revoke tokens of service accounts');
    await requireOtherAdmin(tx, scope, member, userId === caller.userId ? 'leave' : 'be removed');
    await tx.run(store.deleteMember, [organisationId, member.userId]);
    if (revokeCreatedTokens) await revokeServiceTokensOf(tx, app, caller, scope, member.userId);
    publishAccessChange(tx, app, member.userId);
    await recordMember(tx, app, caller, organisationId, { kind: 'member.removed', before: member });
  });
}

/**
 * Changes a member's role, and on request revokes the tokens of service accounts that they created; without effect when they have
 * the role already.
 * @throws Failure `not_found` when they are not a member; `failed_precondition` for the only admin.
 */
export async function updateMemberRole(
  app: AppContext,
  caller: Caller,
  scope: OrganisationScope,
  { userId, role, revokeCreatedTokens }: { userId: string; role: Role; revokeCreatedTokens: boolean },
): Promise<Member> {
  const { organisationId } = scope;
  return await app.db.transaction(async (tx) => {
    await tx.run(store.lockOrganisation, [organisationId]);
    const before = await requireMember(tx, scope, userId);
    if (before.role === role) return before;
    await requireOtherAdmin(tx, scope, before, 'become a member');
    await tx.run(store.updateRole, [organisationId, before.userId, role]);
    if (revokeCreatedTokens) await revokeServiceTokensOf(tx, app, caller, scope, before.userId);
    const after = { ...before, role };
    await recordMember(tx, app, caller, organisationId, { kind: 'member.role_changed', before, after });
    return after;
  });
}

async function requireMember(tx: Transaction, scope: OrganisationScope, userId: string): Promise<Member> {
  const [member] = await tx.run(store.findMember, [scope.organisationId, userId]);
  if (member === undefined) throw notFound(`Member ${userId} of ${scope.organisation}`);
  return member;
}

async function requireOtherAdmin(
  tx: Transaction,
  { organisationId, organisation }: OrganisationScope,
  { userId, username, role }: Member,
  change: string,
): Promise<void> {
  if (role !== 'admin') return;
  const [other] = await tx.run(store.hasOtherAdmin, [organisationId, userId]);
  if (other?.any === true) return;
  throw failedPrecondition(
    `${username} is the only admin of ${organisation} and cannot ${change}. Make another member an admin first.`,
  );
}

/** Also wakes the organisation's releases, whose votes may now count differently. */
async function recordMember(
  tx: Transaction,
  app: AppContext,
  actor: Caller,
  organisationId: string,
  { kind, before, after }: { kind: string; before?: Member; after?: Member },
): Promise<void> {
  const stateOf = (member: Member | undefined) =>
    member === undefined ? null : { user_id: member.userId, username: member.username, role: member.role };
  const subject = `member ${(after ?? before)?.username ?? ''}`;
  const states = { before: stateOf(before), after: stateOf(after) };
  await record(tx, app, { organisationId, kind, actor, subject, ...states });
  await wakeOrganisation(tx, app, organisationId);
}
