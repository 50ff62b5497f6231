import { type Executor, statement } from '#server/db/database.ts';

export type Role = 'member' | 'admin';

export interface OrganisationRow {
  readonly organisationId: string;
  readonly name: string;
  readonly createdAt: Date;
}

/** An organisation of one user, with their role in it. */
export interface MembershipRow extends OrganisationRow {
  readonly role: Role;
}

export interface MemberRow {
  readonly userId: string;
  readonly username: string;
  readonly role: Role;
  readonly joinedAt: Date;
}

const insert = statement<readonly [id: string, name: string, createdAt: Date]>(
  'organisations.insert',
  'insert into organisations (id, name, created_at) values ($1, $2, $3)',
);

export async function insertOrganisation(db: Executor, row: OrganisationRow): Promise<void> {
  await db.run(insert, [row.organisationId, row.name, row.createdAt]);
}

const find = statement<readonly [id: string], OrganisationRow>(
  'organisations.find',
  'select id as "organisationId", name, created_at as "createdAt" from organisations where id = $1',
);

export async function findOrganisation(db: Executor, id: string): Promise<OrganisationRow | null> {
  return (await db.run(find, [id]))[0] ?? null;
}

const listOf = statement<readonly [userId: string, role: string], MembershipRow>(
  'organisations.list_of_user',
  `select o.id as "organisationId", o.name, o.created_at as "createdAt", m.role
     from memberships m join organisations o on o.id = m.organisation_id
    where m.user_id = $1 and ($2::text = '' or m.role = $2)
    order by o.name`,
);

/** The organisations of a user, by name; role '' means whatever role. */
export async function listOrganisationsOf(
  db: Executor,
  userId: string,
  role: string,
): Promise<MembershipRow[]> {
  return await db.run(listOf, [userId, role]);
}

const lock = statement<readonly [id: string], { id: string }>(
  'organisations.lock',
  'select id from organisations where id = $1 for no key update',
);

/** Makes changes of one organisation's membership wait for each other; whoever only refers to it does not wait. */
export async function lockOrganisation(db: Executor, id: string): Promise<void> {
  await db.run(lock, [id]);
}

const insertMembership = statement<
  readonly [organisationId: string, userId: string, role: Role, joinedAt: Date],
  MemberRow
>(
  'memberships.insert',
  `with added as (
     insert into memberships (organisation_id, user_id, role, joined_at)
     select $1, id, $3, $4 from users where id = $2 and kind = 'person'
     returning user_id, role, joined_at)
   select a.user_id as "userId", u.username, a.role, a.joined_at as "joinedAt"
     from added a join users u on u.id = a.user_id`,
);

/** The new member; null when there is no such user. One who is a member already is a unique violation. */
export async function insertMember(
  db: Executor,
  organisationId: string,
  userId: string,
  role: Role,
  joinedAt: Date,
): Promise<MemberRow | null> {
  return (await db.run(insertMembership, [organisationId, userId, role, joinedAt]))[0] ?? null;
}

const MEMBER = `select m.user_id as "userId", u.username, m.role, m.joined_at as "joinedAt"
  from memberships m join users u on u.id = m.user_id`;

const member = statement<readonly [organisationId: string, userId: string], MemberRow>(
  'memberships.find',
  `${MEMBER} where m.organisation_id = $1 and m.user_id = $2`,
);

export async function findMember(
  db: Executor,
  organisationId: string,
  userId: string,
): Promise<MemberRow | null> {
  return (await db.run(member, [organisationId, userId]))[0] ?? null;
}

const otherAdmin = statement<readonly [organisationId: string, userId: string], { any: boolean }>(
  'memberships.other_admin',
  `select exists (select 1 from memberships
                   where organisation_id = $1 and user_id <> $2 and role = 'admin') as any`,
);

/** Whether the organisation has an admin besides that user. */
export async function hasOtherAdmin(db: Executor, organisationId: string, userId: string): Promise<boolean> {
  return (await db.run(otherAdmin, [organisationId, userId]))[0]?.any ?? false;
}

const remove = statement<readonly [organisationId: string, userId: string]>(
  'memberships.delete',
  'delete from memberships where organisation_id = $1 and user_id = $2',
);

export async function deleteMember(db: Executor, organisationId: string, userId: string): Promise<void> {
  await db.run(remove, [organisationId, userId]);
}

const updateRole = statement<readonly [organisationId: string, userId: string, role: Role]>(
  'memberships.update_role',
  'update memberships set role = $3 where organisation_id = $1 and user_id = $2',
);

export async function updateMemberRole(
  db: Executor,
  organisationId: string,
  userId: string,
  role: Role,
): Promise<void> {
  await db.run(updateRole, [organisationId, userId, role]);
}

const list = statement<readonly [organisationId: string, after: string | null, limit: number], MemberRow>(
  'memberships.list',
  `${MEMBER} where m.organisation_id = $1 and ($2::text is null or lower(u.username) > lower($2))
    order by lower(u.username) limit $3`,
);

/** Members by username, after `after`. */
export async function listMembers(
  db: Executor,
  organisationId: string,
  after: string | null,
  limit: number,
): Promise<MemberRow[]> {
  return await db.run(list, [organisationId, after, limit]);
}

const count = statement<readonly [organisationId: string], { count: number }>(
  'memberships.count',
  'select count(*) from memberships where organisation_id = $1',
);

export async function countMembers(db: Executor, organisationId: string): Promise<number> {
  return (await db.run(count, [organisationId]))[0]?.count ?? 0;
}

const ADMIN_SOMEWHERE = statement<[userId: string], { admin: boolean }>(
  'organisations.admin_somewhere',
  `select exists (select 1 from memberships where user_id = $1 and role = 'admin') as admin`,
);

/** Whether the user is an admin of any organisation. */
export async function findAdminSomewhere(executor: Executor, userId: string): Promise<boolean> {
  const [row] = await executor.run(ADMIN_SOMEWHERE, [userId]);
  return row?.admin === true;
}
