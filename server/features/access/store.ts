import { type Statement, statement } from '#server/db/database.ts';
import { CALLER_COLUMNS, ENDED, LETS_IN, STANDING_OF } from './parts.ts';
import type { AccessRow, CallerRow } from './rows.ts';

const CALLER = `
  select ${CALLER_COLUMNS}
    from credentials c join users u on u.id = c.user_id
   where ${LETS_IN('$1', '$2')} and u.deleted_at is null`;

/** The caller alone, for methods that name no organisation. */
export const findCaller = statement<readonly [secretHash: Buffer, now: Date], CallerRow>(
  'access.caller',
  CALLER,
);

/**
 * Who is calling and what role they have where the request points, in one round trip. No row: the credential is not
 * valid. No organisation or no role: what the request names does not exist for this caller.
 * `target` selects organisation_id, and project_id or null, from the request's names or ids (`$3` onwards).
 */
function lookup<Names extends readonly string[]>(
  name: string,
  target: string,
): Statement<readonly [secretHash: Buffer, now: Date, ...names: Names], AccessRow> {
  return statement(
    `access.${name}`,
    `with caller as (${CALLER}), target as (${target})
     select caller.*, o.id as "organisationId", o.name as organisation, p.id as "projectId", p.name as project,
            coalesce(m.role, case when caller."serviceOf" = o.id then 'service' end) as role
       from caller
       left join target on true
       left join organisations o on o.id = target.organisation_id
       left join projects p on p.id = target.project_id
       left join memberships m on m.organisation_id = o.id and m.user_id = caller."userId"`,
  );
}

const PROJECT_OF = 'select p.organisation_id, p.id as project_id from projects p';

export const lookups = {
  organisation: lookup<[name: string]>(
    'organisation',
    'select id as organisation_id, null::uuid as project_id from organisations where name = $3',
  ),
  organisationId: lookup<[id: string]>(
    'organisation_id',
    'select id as organisation_id, null::uuid as project_id from organisations where id = $3::uuid',
  ),
  environment: lookup<[id: string]>(
    'environment',
    'select organisation_id, null::uuid as project_id from environments where id = $3::uuid',
  ),
  project: lookup<[organisation: string, project: string]>(
    'project',
    `${PROJECT_OF} join organisations o on o.id = p.organisation_id where o.name = $3 and p.name = $4`,
  ),
  artifact: lookup<[id: string]>(
    'artifact',
    `${PROJECT_OF} join artifacts a on a.project_id = p.id where a.id = $3::uuid`,
  ),
  slug: lookup<[slug: string]>(
    'slug',
    `${PROJECT_OF} join artifacts a on a.project_id = p.id where a.slug = $3`,
  ),
  intent: lookup<[id: string]>(
    'intent',
    `${PROJECT_OF} join release_intents i on i.project_id = p.id where i.id = $3::uuid`,
  ),
} as const;

/**
 * How a caller who was let in to a release stands to it now. No row: they have left its organisation. Sessions and the tokens
 * of a login are replaced by others when they run out; access tokens were made to end when they do.
 */
export const findStanding = statement<
  readonly [credentialId: string, userId: string, releaseIntentId: string, now: Date],
  { ended: boolean }
>(
  'access.standing',
  `select ${ENDED('$1', '$4')} as ended
     from release_intents i
     join projects p on p.id = i.project_id
    where i.id = $3 and ${STANDING_OF('$2', 'p.organisation_id')} is not null`,
);

/** The same of an admin and their organisation. No row: they are its admin no more. */
export const findAdminStanding = statement<
  readonly [credentialId: string, userId: string, organisationId: string, now: Date],
  { ended: boolean }
>(
  'access.admin_standing',
  `select ${ENDED('$1', '$4')} as ended
     from memberships m where m.organisation_id = $3 and m.user_id = $2 and m.role = 'admin'`,
);

/** Whether the credential that a caller was let in by has been ended since. */
export const findEnd = statement<readonly [credentialId: string, now: Date], { ended: boolean }>(
  'access.end',
  `select ${ENDED('$1', '$2')} as ended`,
);

/**
 * Refuses where the caller is no admin of the organisation or their credential has been ended, and keeps both until the
 * transaction ends.
 */
export const requireAdmin = statement<readonly unknown[], unknown>(
  'access.require_admin',
  'select require_admin($1::uuid, $2::uuid, $3::uuid)',
);

/** Remembers that a credential was used. */
export const touchCredential = statement<readonly [credentialId: string, now: Date]>(
  'access.touch',
  'update credentials set last_used_at = $2 where id = $1',
);
