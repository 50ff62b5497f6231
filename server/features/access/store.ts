import { type Statement, statement } from '#server/db/database.ts';

export interface CallerRow {
  readonly userId: string;
  readonly username: string;
  readonly credentialId: string;
  readonly credentialKind: 'session' | 'access' | 'refresh' | 'personal';
  readonly scopes: readonly string[];
  readonly lastUsedAt: Date | null;
}

export interface AccessRow extends CallerRow {
  readonly organisationId: string | null;
  readonly organisation: string | null;
  readonly projectId: string | null;
  readonly project: string | null;
  readonly role: 'member' | 'admin' | null;
}

const CALLER = `
  select u.id as "userId", u.username, c.id as "credentialId", c.kind as "credentialKind", c.scopes,
         c.last_used_at as "lastUsedAt"
    from credentials c join users u on u.id = c.user_id
   where c.secret_hash = $1 and c.revoked_at is null and (c.expires_at is null or c.expires_at > $2)
     and c.kind in ('session', 'access', 'personal')`;

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
     select caller.*, o.id as "organisationId", o.name as organisation, p.id as "projectId", p.name as project, m.role
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

/** How a caller who was let in to a release stands to it now. No row: they have left its organisation. */
export const findStanding = statement<
  readonly [credentialId: string, userId: string, releaseIntentId: string],
  { ended: boolean }
>(
  'access.standing',
  `select exists (select 1 from credentials where id = $1 and revoked_at is not null) as ended
     from release_intents i
     join projects p on p.id = i.project_id
     join memberships m on m.organisation_id = p.organisation_id and m.user_id = $2
    where i.id = $3`,
);

/** Remembers that a credential was used. */
export const touchCredential = statement<readonly [credentialId: string, now: Date]>(
  'access.touch',
  'update credentials set last_used_at = $2 where id = $1',
);
