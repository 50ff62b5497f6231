import { statement } from '#server/db/database.ts';

export type Role = 'member' | 'admin';

export interface OrganisationRow {
  readonly organisationId: string;
  readonly name: string;
  readonly createdAt: Date;
  /** Days; null for the server's default. */
  readonly fileRetentionDays: number | null;
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

export const insertOrganisation = statement<[id: string, name: string, createdAt: Date]>(
  'organisations.insert',
  'insert into organisations (id, name, created_at) values ($1, $2, $3)',
);

export const findOrganisation = statement<[id: string], OrganisationRow>(
  'organisations.find',
  `select id as "organisationId", name, created_at as "createdAt", file_retention_days as "fileRetentionDays"
     from organisations where id = $1`,
);

/** The organisations of a user, by name; role '' means any role. */
export const listMemberships = statement<[userId: string, role: Role | ''], MembershipRow>(
  'organisations.list_memberships',
  `select o.id as "organisationId", o.name, o.created_at as "createdAt", o.file_retention_days as "fileRetentionDays", m.role
     from memberships m join organisations o on o.id = m.organisation_id
    where m.user_id = $1 and ($2::text = '' or m.role = $2)
    order by o.name`,
);

export interface CountsRow {
  readonly organisationId: string;
  readonly projects: number;
  readonly failed: number;
}

/** What there is in each organisation of a user. A release that failed is counted as the board shows it: once per environment. */
export const countContents = statement<[userId: string], CountsRow>(
  'organisations.count_contents',
  `with failures as (
     select s.organisation_id, s.project_id, s.environment, s.failures->0->>'status' as status,
            (select r.release_intent_id from releases r where r.id = (s.failures->0->>'releaseId')::uuid) as intent_id
       from memberships m
       join lateral (select q.organisation_id, q.project_id, q.environment, q.failures
                       from place_states q
                      where q.organisation_id = m.organisation_id
                      -- Keeps the view's subqueries from being repeated for each use.
                     offset 0) s on true
      where m.user_id = $1 and s.failures->0->>'status' in ('FAILED', 'TIMED_OUT')
   )
   select m.organisation_id as "organisationId",
          (select count(*) from projects p where p.organisation_id = m.organisation_id) as projects,
          (select count(distinct (f.project_id, f.environment, f.intent_id, f.status)) from failures f
            where f.organisation_id = m.organisation_id
              and not exists (select from releases r
                               where r.release_intent_id = f.intent_id and r.environment = f.environment and r.mode = 'deploy'
                                 and (r.status in ('QUEUED', 'ASSIGNED', 'RUNNING') or r.occupied_until is not null))) as failed
     from memberships m
    where m.user_id = $1`,
);

export const updateOrganisation = statement<[id: string, fileRetentionDays: number | null]>(
  'organisations.update',
  'update organisations set file_retention_days = $2 where id = $1',
);

export const isAdminSomewhere = statement<[userId: string], { admin: boolean }>(
  'organisations.is_admin_somewhere',
  `select exists (select from memberships where user_id = $1 and role = 'admin') as admin`,
);

/** Makes changes of an organisation's members, rules and service accounts wait for each other, but not references to it. */
export const lockOrganisation = statement<[id: string]>(
  'organisations.lock',
  'select id from organisations where id = $1 for no key update',
);

/** No row: there is no such user. An existing member is a unique violation. */
export const insertMember = statement<
  [organisationId: string, userId: string, role: Role, joinedAt: Date],
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

export const findMember = statement<[organisationId: string, userId: string], MemberRow>(
  'memberships.find',
  `select m.user_id as "userId", u.username, m.role, m.joined_at as "joinedAt"
     from memberships m join users u on u.id = m.user_id
    where m.organisation_id = $1 and m.user_id = $2`,
);

/** Members by username, after `after`. */
export const listMembers = statement<
  [organisationId: string, after: string | null, limit: number],
  MemberRow
>(
  'memberships.list',
  `select m.user_id as "userId", u.username, m.role, m.joined_at as "joinedAt"
     from memberships m join users u on u.id = m.user_id
    where m.organisation_id = $1 and ($2::text is null or lower(u.username) > lower($2))
    order by lower(u.username) limit $3`,
);

export const countMembers = statement<[organisationId: string], { count: number }>(
  'memberships.count',
  'select count(*) from memberships where organisation_id = $1',
);

export const hasOtherAdmin = statement<[organisationId: string, userId: string], { any: boolean }>(
  'memberships.has_other_admin',
  `select exists (select from memberships
                   where organisation_id = $1 and user_id <> $2 and role = 'admin') as any`,
);

export const deleteMember = statement<[organisationId: string, userId: string]>(
  'memberships.delete',
  'delete from memberships where organisation_id = $1 and user_id = $2',
);

export const updateRole = statement<[organisationId: string, userId: string, role: Role]>(
  'memberships.update_role',
  'update memberships set role = $3 where organisation_id = $1 and user_id = $2',
);

export interface JoinRuleRow {
  readonly joinRuleId: string;
  readonly provider: string;
  readonly emailDomain: string;
  readonly createdAt: Date;
}

export const listJoinRules = statement<[organisationId: string], JoinRuleRow>(
  'join_rules.list',
  `select id as "joinRuleId", provider, email_domain as "emailDomain", created_at as "createdAt"
     from organisation_join_rules where organisation_id = $1 order by provider, email_domain`,
);

export const insertJoinRule = statement<
  readonly [id: string, organisationId: string, provider: string, emailDomain: string, createdAt: Date]
>(
  'join_rules.insert',
  `insert into organisation_join_rules (id, organisation_id, provider, email_domain, created_at)
   values ($1, $2, $3, $4, $5)`,
);

export const deleteJoinRule = statement<[id: string, organisationId: string], JoinRuleRow>(
  'join_rules.delete',
  `delete from organisation_join_rules where id = $1 and organisation_id = $2
   returning id as "joinRuleId", provider, email_domain as "emailDomain", created_at as "createdAt"`,
);

/** The organisations that a new user joins, in one order for all transactions, which rules out deadlocks. */
export const findMatchingJoinRules = statement<
  [provider: string, emailDomain: string],
  { organisationId: string }
>(
  'join_rules.find_matching',
  `select organisation_id as "organisationId" from organisation_join_rules
    where provider = $1 and email_domain = $2 order by organisation_id for share`,
);
