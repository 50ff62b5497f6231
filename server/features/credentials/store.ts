import { statement } from '#server/db/database.ts';
import type { CredentialKind } from './secret.ts';

/* Logins: the credentials of one family, a browser's session or the tokens of another client. */

export const insertCredential = statement<
  [
    id: string,
    kind: CredentialKind,
    userId: string | null,
    secretHash: Buffer,
    familyId: string,
    name: string,
    scopes: readonly string[],
    createdAt: Date,
    expiresAt: Date | null,
    begunAt: Date | null,
    address: string | null,
    userAgent: string | null,
    idleSeconds: number | null,
    createdBy: string | null,
  ]
>(
  'credentials.insert',
  `insert into credentials (id, kind, user_id, secret_hash, family_id, name, scopes, created_at, expires_at,
                            begun_at, address, user_agent, idle_seconds, created_by)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
);

/** Deletes expired credentials, so that the table does not grow with each login. Long calls need theirs for some time after it expired. */
export const deleteExpired = statement<[userId: string, now: Date]>(
  'credentials.delete_expired',
  `delete from credentials
    where user_id = $1 and kind in ('session', 'access', 'refresh') and expires_at <= $2::timestamptz - interval '30 days'`,
);

export const findCredential = statement<[id: string], { createdAt: Date; expiresAt: Date | null }>(
  'credentials.find',
  'select created_at as "createdAt", expires_at as "expiresAt" from credentials where id = $1',
);

/** Makes changes of one user's logins and tokens wait for each other, until the transaction ends. */
export const lockUser = statement<[userId: string]>(
  'credentials.lock_user',
  'select id from users where id = $1 for no key update',
);

/** The same for the user that a secret belongs to. */
export const lockOwner = statement<[secretHash: Buffer]>(
  'credentials.lock_owner',
  `select u.id from users u join credentials c on c.user_id = u.id where c.secret_hash = $1
      for no key update of u`,
);

export interface RefreshRow {
  readonly id: string;
  readonly userId: string;
  readonly familyId: string;
  readonly expiresAt: Date;
  readonly revokedAt: Date | null;
  readonly begunAt: Date;
  readonly address: string | null;
  readonly userAgent: string | null;
}

/** A refresh token, used or not, locked so that one of two simultaneous uses comes first. */
export const lockRefreshToken = statement<[secretHash: Buffer], RefreshRow>(
  'credentials.lock_refresh_token',
  `select id, user_id as "userId", family_id as "familyId", expires_at as "expiresAt", revoked_at as "revokedAt",
          coalesce(begun_at, created_at) as "begunAt", address, user_agent as "userAgent"
     from credentials where secret_hash = $1 and kind = 'refresh' for update`,
);

export const revokeCredential = statement<[id: string, now: Date]>(
  'credentials.revoke',
  'update credentials set revoked_at = $2 where id = $1 and revoked_at is null',
);

/** Gives the credentials that had not ended. */
export const revokeFamily = statement<[familyId: string, now: Date], { id: string }>(
  'credentials.revoke_family',
  'update credentials set revoked_at = $2 where family_id = $1 and revoked_at is null returning id',
);

/** Revokes all of the user's logins, except the one that `keptId` belongs to. */
export const revokeLogins = statement<[userId: string, now: Date, keptId: string | null]>(
  'credentials.revoke_logins',
  `update credentials set revoked_at = $2
    where user_id = $1 and kind in ('session', 'access', 'refresh') and revoked_at is null
      and family_id is distinct from (select family_id from credentials where id = $3)`,
);

export interface LoginRow {
  /** The same for as long as the login lasts, whatever its secrets are. */
  readonly sessionId: string;
  readonly kind: 'browser' | 'client';
  readonly begunAt: Date;
  readonly lastUsedAt: Date;
  /** When it ends if it is not used again. */
  readonly expiresAt: Date;
  readonly address: string | null;
  readonly userAgent: string | null;
  /** Whether the request came with it. */
  readonly current: boolean;
}

/** The user's logins that have not ended, newest first, after (`afterTime`, `afterId`). */
export const listLogins = statement<
  [
    userId: string,
    now: Date,
    credentialId: string,
    afterTime: Date | null,
    afterId: string | null,
    limit: number,
  ],
  LoginRow
>(
  'credentials.list_logins',
  `select * from (
     select family_id as "sessionId",
            case when bool_or(kind = 'session') then 'browser' else 'client' end as kind,
            min(coalesce(begun_at, created_at)) as "begunAt",
            max(coalesce(last_used_at, created_at)) as "lastUsedAt",
            max(valid_until(c)) as "expiresAt", min(address) as address, min(user_agent) as "userAgent",
            bool_or(id = $3) as current
       from credentials c
      where user_id = $1 and kind in ('session', 'access', 'refresh') and valid_until(c) > $2
      group by family_id) login
    where $4::timestamptz is null or ("begunAt", "sessionId") < ($4, $5::uuid)
    order by "begunAt" desc, "sessionId" desc
    limit $6`,
);

/** Revokes one of the user's logins: a row per credential, which says whether the request came with it. */
export const revokeLogin = statement<
  [userId: string, now: Date, sessionId: string, credentialId: string],
  { current: boolean }
>(
  'credentials.revoke_login',
  `update credentials c set revoked_at = $2
    where user_id = $1 and family_id = $3 and kind in ('session', 'access', 'refresh') and valid_until(c) > $2
   returning id = $4 as current`,
);

/**
 * Revokes a session's credential and inserts its successor with a new secret. No row: it has ended or is not a session.
 * The new id ends calls that the old credential opened.
 */
export const replaceSession = statement<
  [id: string, nextId: string, secretHash: Buffer, now: Date],
  { expiresAt: Date }
>(
  'credentials.replace_session',
  `with former as (
     update credentials set revoked_at = $4 where id = $1 and kind = 'session' and revoked_at is null returning *)
   insert into credentials (id, kind, user_id, secret_hash, family_id, created_at, begun_at, expires_at, last_used_at,
                            address, user_agent, idle_seconds)
   select $2, kind, user_id, $3, family_id, created_at, coalesce(begun_at, created_at), expires_at, last_used_at,
          address, user_agent, idle_seconds
     from former
   returning expires_at as "expiresAt"`,
);

/* Access tokens: of users (`personal`) and of service accounts (`service`). */

export interface TokenRow {
  readonly tokenId: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
  /** The user who created a service account's token; null for a user's own, and when it is unknown. */
  readonly createdById: string | null;
  readonly createdBy: string | null;
}

/** The tokens of those users that are not revoked, newest first; also expired ones. */
export const listTokens = statement<[userIds: readonly string[]], TokenRow & { readonly userId: string }>(
  'credentials.list_tokens',
  `select c.user_id as "userId", c.id as "tokenId", c.name, c.scopes, c.created_at as "createdAt",
          c.expires_at as "expiresAt", c.last_used_at as "lastUsedAt", m.id as "createdById", m.username as "createdBy"
     from credentials c left join users m on m.id = c.created_by
    where c.user_id = any ($1::uuid[]) and c.kind in ('personal', 'service') and c.revoked_at is null
    order by c.created_at desc, c.id desc`,
);

export const countTokens = statement<[userId: string], { count: number }>(
  'credentials.count_tokens',
  `select count(*) from credentials
    where user_id = $1 and kind in ('personal', 'service') and revoked_at is null`,
);

/** Gives the name of the token that it revoked. */
export const revokeToken = statement<[id: string, userId: string, now: Date], { name: string }>(
  'credentials.revoke_token',
  `update credentials set revoked_at = $3
    where id = $1 and user_id = $2 and kind in ('personal', 'service') and revoked_at is null returning name`,
);

export interface RevokedTokenRow {
  readonly tokenId: string;
  readonly name: string;
  readonly ownerId: string;
  readonly owner: string;
}

/** Revokes the tokens of an organisation's service accounts that a user created. */
export const revokeTokensCreatedBy = statement<
  [organisationId: string, userId: string, now: Date],
  RevokedTokenRow
>(
  'credentials.revoke_tokens_created_by',
  `update credentials c set revoked_at = $3
     from users u
    where u.id = c.user_id and u.organisation_id = $1 and u.kind = 'service'
      and c.created_by = $2 and c.kind = 'service' and c.revoked_at is null
   returning c.id as "tokenId", c.name, u.id as "ownerId", u.username as owner`,
);

/* The set-up token, which belongs to no user. */

export const findSetUpToken = statement<[secretHash: Buffer], { id: string }>(
  'credentials.find_set_up_token',
  `select id from credentials where secret_hash = $1 and kind = 'set_up' and revoked_at is null`,
);

export const revokeSetUpTokens = statement<[now: Date]>(
  'credentials.revoke_set_up_tokens',
  `update credentials set revoked_at = $1 where kind = 'set_up' and revoked_at is null`,
);
