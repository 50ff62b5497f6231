import type { CallerRole } from '#domain/approval/vote.ts';
import { type Statement, statement } from '#server/db/database.ts';

export interface CallerRow {
  readonly userId: string;
  readonly username: string;
  readonly credentialId: string;
  readonly credentialKind: 'session' | 'access' | 'refresh' | 'personal' | 'service';
  readonly scopes: readonly string[];
  readonly lastUsedAt: Date | null;
}

/** The scope columns are null when the request's target does not exist; the role is null for non-members. */
export interface AccessRow extends CallerRow {
  readonly organisationId: string | null;
  readonly organisation: string | null;
  readonly projectId: string | null;
  readonly project: string | null;
  readonly role: CallerRole | null;
}

const CALLER = `
  select user_id as "userId", username, credential_id as "credentialId", credential_kind as "credentialKind", scopes,
         last_used_at as "lastUsedAt"
    from callers where secret_hash = $1 and valid_until > $2`;

/** The caller alone, for methods that name no organisation. */
export const findCaller = statement<[secretHash: Buffer, now: Date], CallerRow>('access.find_caller', CALLER);

/** Finds the caller and their role where the request points. No row: the credential is invalid. */
type FindAccess = Statement<readonly [secretHash: Buffer, now: Date, ...names: string[]], AccessRow>;

/** `target` selects `organisation_id` and `project_id` (or null) from the request's names or ids, `$3` onwards. */
const accessTo = (target: string, alsoSelect = '') => `
  with caller as (${CALLER}), target as (${target})
  select caller.*, o.id as "organisationId", o.name as organisation, p.id as "projectId", p.name as project, r.role
         ${alsoSelect}
    from caller
    left join target on true
    left join organisations o on o.id = target.organisation_id
    left join projects p on p.id = target.project_id
    left join caller_roles r on r.organisation_id = o.id and r.user_id = caller."userId"`;

const findAccess = (name: string, target: string): FindAccess =>
  statement(`access.find_by_${name}`, accessTo(target));

const PROJECT = `
  select p.organisation_id, p.id as project_id
    from projects p join organisations o on o.id = p.organisation_id where o.name = $3 and p.name = $4`;

export const findAccessBy = {
  organisation: findAccess(
    'organisation',
    'select id as organisation_id, null::uuid as project_id from organisations where name = $3',
  ),
  organisationId: findAccess(
    'organisation_id',
    'select id as organisation_id, null::uuid as project_id from organisations where id = $3::uuid',
  ),
  environment: findAccess(
    'environment',
    'select organisation_id, null::uuid as project_id from environments where id = $3::uuid',
  ),
  project: findAccess('project', PROJECT),
  artifact: findAccess(
    'artifact',
    `select p.organisation_id, p.id as project_id
       from artifacts a join projects p on p.id = a.project_id where a.id = $3::uuid`,
  ),
  slug: findAccess(
    'slug',
    `select p.organisation_id, p.id as project_id
       from artifacts a join projects p on p.id = a.project_id where a.slug = $3`,
  ),
  intent: findAccess(
    'intent',
    `select p.organisation_id, p.id as project_id
       from release_intents i join projects p on p.id = i.project_id where i.id = $3::uuid`,
  ),
  release: findAccess(
    'release',
    `select p.organisation_id, p.id as project_id
       from releases r join projects p on p.id = r.project_id where r.id = $3::uuid`,
  ),
} as const;

/** The access to a project, with the numbers that change with a release's requirements; null when it has no such release. */
export const findPollAccess = statement<
  [secretHash: Buffer, now: Date, organisation: string, project: string, releaseIntentId: string],
  AccessRow & { readonly numbers: string | null }
>(
  'access.find_for_poll',
  accessTo(
    PROJECT,
    `, (select n.numbers from release_change_numbers n
         where n.release_intent_id = $5::uuid and n.project_id = p.id) as numbers`,
  ),
);

export const findMembership = statement<[userId: string], { any: boolean }>(
  'access.find_membership',
  'select exists (select from caller_roles where user_id = $1) as any',
);

/** Whether a credential has ended. No row: the user no longer has access to the release's organisation. */
export const checkReleaseAccess = statement<
  [credentialId: string, userId: string, releaseIntentId: string, now: Date],
  { ended: boolean }
>(
  'access.check_release_access',
  `select credential_ended($1, $4) as ended
     from release_intents i
     join projects p on p.id = i.project_id
     join caller_roles r on r.organisation_id = p.organisation_id and r.user_id = $2
    where i.id = $3`,
);

/** Whether an admin's credential has ended. No row: they are no longer an admin of the organisation. */
export const checkAdminAccess = statement<
  [credentialId: string, userId: string, organisationId: string, now: Date],
  { ended: boolean }
>(
  'access.check_admin_access',
  `select credential_ended($1, $4) as ended
     from memberships where organisation_id = $3 and user_id = $2 and role = 'admin'`,
);

export const checkCredential = statement<[credentialId: string, now: Date], { ended: boolean }>(
  'access.check_credential',
  'select credential_ended($1, $2) as ended',
);

/** Fails unless the caller is an admin with a credential that is not revoked; locks both until the transaction ends. */
export const requireAdmin = statement<readonly unknown[], unknown>(
  'access.require_admin',
  'select require_admin($1::uuid, $2::uuid, $3::uuid)',
);

export const touchCredential = statement<[credentialId: string, now: Date]>(
  'access.touch_credential',
  'update credentials set last_used_at = greatest(last_used_at, $2) where id = $1',
);
