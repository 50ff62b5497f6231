/* Parts of queries that stores of several features put together. */

/** What is told of the caller: of the credential `c` and its user `u`. */
export const CALLER_COLUMNS = `
  u.id as "userId", u.username, c.id as "credentialId", c.kind as "credentialKind", c.scopes,
  c.last_used_at as "lastUsedAt", case when u.kind = 'service' then u.organisation_id end as "serviceOf"`;

/**
 * Whether somebody has used the credential `c` of late, if it is a session: an abandoned browser lets nobody in. Uses are
 * written down once a minute, and that is how exact it is. Twelve hours stand for sessions of servers before that rule.
 */
export const NOT_IDLE = (now: string) => `
  (c.kind <> 'session'
   or coalesce(c.last_used_at, c.created_at) + make_interval(secs => coalesce(c.idle_seconds, 43200)) > ${now})`;

/** Whether the login that an access token of an hour belongs to could be prolonged still: who waits does not prolong it. */
export const LOGIN_LIVES = (credential: string, now: string) => `
  exists (select 1 from credentials r
           where r.family_id = ${credential}.family_id and r.kind = 'refresh' and r.revoked_at is null
             and r.expires_at > ${now})`;

/** Whether the credential of that id, by which somebody was let in, has been ended since, at the moment `now`. */
export const ENDED = (credentialId: string, now: string) => `
  exists (select 1 from credentials c
           where c.id = ${credentialId}
             and (c.revoked_at is not null or not ${NOT_IDLE(now)}
                  or (c.expires_at <= ${now} and not (c.kind = 'access' and ${LOGIN_LIVES('c', now)}))))`;

/** Whether the credential `c` is the one whose secret has that hash, and lets somebody in at the moment `now`. */
export const LETS_IN = (secretHash: string, now: string) => `
  c.secret_hash = ${secretHash} and c.revoked_at is null and (c.expires_at is null or c.expires_at > ${now})
  and ${NOT_IDLE(now)}
  and c.kind in ('session', 'access', 'personal', 'service')`;

/** What a user is to an organisation now: a member's role, `service` for one of its service accounts, else null. */
export const STANDING_OF = (userId: string, organisationId: string) => `
  coalesce((select m.role from memberships m where m.organisation_id = ${organisationId} and m.user_id = ${userId}),
           (select 'service' from users s where s.id = ${userId} and s.kind = 'service' and s.deleted_at is null
               and s.organisation_id = ${organisationId}))`;
