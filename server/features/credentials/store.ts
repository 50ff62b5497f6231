import { type Executor, statement } from '#server/db/database.ts';
import { NOT_IDLE } from '#server/features/access/parts.ts';
import type { Origin } from './origin.ts';
import type { CredentialKind } from './secret.ts';

export interface NewCredential {
  readonly id: string;
  readonly kind: CredentialKind;
  readonly userId: string | null;
  readonly secretHash: Buffer;
  readonly familyId: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  /** For sessions and logins. */
  readonly origin: Origin | null;
  /** For sessions: after how many seconds without use it ends. */
  readonly idleSeconds: number | null;
}

export interface RefreshRow extends Origin {
  readonly id: string;
  readonly userId: string;
  readonly familyId: string;
  readonly expiresAt: Date;
  readonly revokedAt: Date | null;
}

export interface PersonalTokenRow {
  readonly tokenId: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
}

const insert = statement<
  readonly [
    id: string,
    kind: string,
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
  ]
>(
  'credentials.insert',
  `insert into credentials (id, kind, user_id, secret_hash, family_id, name, scopes, created_at, expires_at,
                            begun_at, address, user_agent, idle_seconds)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
);

export async function insertCredential(db: Executor, c: NewCredential): Promise<void> {
  const { id, kind, userId, secretHash, familyId, name, scopes, createdAt, expiresAt, origin } = c;
  const { begunAt = null, address = null, userAgent = null } = origin ?? {};
  await db.run(insert, [
    id,
    kind,
    userId,
    secretHash,
    familyId,
    name,
    scopes,
    createdAt,
    expiresAt,
    begunAt,
    address,
    userAgent,
    c.idleSeconds,
  ]);
}

// Credentials of these kinds are of no use to anybody once they have run out: nobody lists them.
const deleteExpired = statement<readonly [userId: string, now: Date]>(
  'credentials.delete_expired',
  `delete from credentials c
    where c.user_id = $1 and c.kind in ('session', 'access', 'refresh')
      and (c.expires_at <= $2 or not ${NOT_IDLE('$2')})`,
);

/** Forgets the user's sessions and login tokens that have run out, so that the table does not grow with each login. */
export async function forgetExpired(db: Executor, userId: string, now: Date): Promise<void> {
  await db.run(deleteExpired, [userId, now]);
}

const lockOwner = statement<readonly [secretHash: Buffer]>(
  'credentials.lock_owner',
  `select u.id from users u join credentials c on c.user_id = u.id where c.secret_hash = $1
      for no key update of u`,
);

/**
 * Has one at a time, until the transaction ends, of what makes and what ends the logins of the user whose secret that is:
 * else new tokens could come to be while all there are end.
 */
export async function lockLoginsOf(db: Executor, secretHash: Buffer): Promise<void> {
  await db.run(lockOwner, [secretHash]);
}

const lockRefresh = statement<readonly [secretHash: Buffer], RefreshRow>(
  'credentials.lock_refresh',
  `select id, user_id as "userId", family_id as "familyId", expires_at as "expiresAt", revoked_at as "revokedAt",
          coalesce(begun_at, created_at) as "begunAt", address, user_agent as "userAgent"
     from credentials where secret_hash = $1 and kind = 'refresh' for update`,
);

/** The refresh token with that hash, spent or not, locked so that of two uses at once one comes first. */
export async function findRefreshForUpdate(db: Executor, secretHash: Buffer): Promise<RefreshRow | null> {
  return (await db.run(lockRefresh, [secretHash]))[0] ?? null;
}

const revoke = statement<readonly [id: string, now: Date]>(
  'credentials.revoke',
  'update credentials set revoked_at = $2 where id = $1 and revoked_at is null',
);

export async function revokeCredential(db: Executor, id: string, now: Date): Promise<void> {
  await db.run(revoke, [id, now]);
}

const revokeFamily = statement<readonly [familyId: string, now: Date], { id: string }>(
  'credentials.revoke_family',
  'update credentials set revoked_at = $2 where family_id = $1 and revoked_at is null returning id',
);

/** Ends a login; whether any of its tokens had not ended yet. */
export async function revokeFamilyOf(db: Executor, familyId: string, now: Date): Promise<boolean> {
  return (await db.run(revokeFamily, [familyId, now])).length > 0;
}

const revokeAll = statement<readonly [userId: string, now: Date]>(
  'credentials.revoke_logins',
  `update credentials set revoked_at = $2
    where user_id = $1 and kind in ('session', 'access', 'refresh') and revoked_at is null`,
);

/** Ends all of the user's sessions and login tokens. */
export async function revokeLogins(db: Executor, userId: string, now: Date): Promise<void> {
  await db.run(revokeAll, [userId, now]);
}

const revokeOthers = statement<readonly [userId: string, keptId: string, now: Date]>(
  'credentials.revoke_others',
  `update credentials set revoked_at = $3
    where user_id = $1 and kind in ('session', 'access', 'refresh') and revoked_at is null
      and family_id <> (select family_id from credentials where id = $2)`,
);

/** Ends the user's sessions and login tokens, except those of the login that `keptId` belongs to. */
export async function revokeOtherLogins(
  db: Executor,
  userId: string,
  keptId: string,
  now: Date,
): Promise<void> {
  await db.run(revokeOthers, [userId, keptId, now]);
}

const expiry = statement<readonly [id: string], { expiresAt: Date | null }>(
  'credentials.expiry',
  'select expires_at as "expiresAt" from credentials where id = $1',
);

/** When a credential runs out; null when it never does or does not exist. */
export async function findExpiry(db: Executor, id: string): Promise<Date | null> {
  return (await db.run(expiry, [id]))[0]?.expiresAt ?? null;
}

const began = statement<readonly [id: string], { createdAt: Date }>(
  'credentials.began',
  'select created_at as "createdAt" from credentials where id = $1',
);

/** When a credential was made; null when it does not exist. */
export async function findBegin(db: Executor, id: string): Promise<Date | null> {
  return (await db.run(began, [id]))[0]?.createdAt ?? null;
}

const listPersonal = statement<readonly [userId: string], PersonalTokenRow>(
  'credentials.list_personal',
  `select id as "tokenId", name, scopes, created_at as "createdAt", expires_at as "expiresAt",
          last_used_at as "lastUsedAt"
     from credentials where user_id = $1 and kind = 'personal' and revoked_at is null
    order by created_at desc, id desc`,
);

/** The user's personal access tokens, newest first; those that have run out too, until they are deleted. */
export async function listPersonalTokens(db: Executor, userId: string): Promise<PersonalTokenRow[]> {
  return await db.run(listPersonal, [userId]);
}

const countPersonal = statement<readonly [userId: string], { count: number }>(
  'credentials.count_personal',
  `select count(*) from credentials where user_id = $1 and kind = 'personal' and revoked_at is null`,
);

export async function countPersonalTokens(db: Executor, userId: string): Promise<number> {
  return (await db.run(countPersonal, [userId]))[0]?.count ?? 0;
}

const revokePersonal = statement<readonly [id: string, userId: string, now: Date], { name: string }>(
  'credentials.revoke_personal',
  `update credentials set revoked_at = $3
    where id = $1 and user_id = $2 and kind = 'personal' and revoked_at is null returning name`,
);

/** The name of the user's token that was ended; null when there was none. */
export async function revokePersonalToken(
  db: Executor,
  id: string,
  userId: string,
  now: Date,
): Promise<string | null> {
  return (await db.run(revokePersonal, [id, userId, now]))[0]?.name ?? null;
}

const findSetUp = statement<readonly [secretHash: Buffer], { id: string }>(
  'credentials.find_set_up',
  `select id from credentials where secret_hash = $1 and kind = 'set_up' and revoked_at is null`,
);

/** Whether an unspent set-up token has that hash. */
export async function hasSetUpToken(db: Executor, secretHash: Buffer): Promise<boolean> {
  return (await db.run(findSetUp, [secretHash])).length > 0;
}

const revokeSetUp = statement<readonly [now: Date]>(
  'credentials.revoke_set_up',
  `update credentials set revoked_at = $1 where kind = 'set_up' and revoked_at is null`,
);

export async function revokeSetUpTokens(db: Executor, now: Date): Promise<void> {
  await db.run(revokeSetUp, [now]);
}
