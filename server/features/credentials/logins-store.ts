import { type Executor, statement } from '#server/db/database.ts';
import { NOT_IDLE } from '#server/features/access/parts.ts';

/** A browser's session, or the login of a client that is no browser. */
export interface LoginRow {
  /** The same for as long as it lasts, whatever secrets it has. */
  readonly sessionId: string;
  readonly kind: 'browser' | 'client';
  readonly begunAt: Date;
  readonly lastUsedAt: Date;
  /** When it ends if nobody uses it again. */
  readonly expiresAt: Date;
  readonly address: string | null;
  readonly userAgent: string | null;
  /** Whether it is the one that asks. */
  readonly current: boolean;
}

const BEGUN = 'min(coalesce(c.begun_at, c.created_at))';
const KINDS = `c.kind in ('session', 'access', 'refresh')`;

const list = statement<
  readonly [
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
  `select c.family_id as "sessionId",
          case when bool_or(c.kind = 'session') then 'browser' else 'client' end as kind,
          ${BEGUN} as "begunAt",
          max(coalesce(c.last_used_at, c.created_at)) as "lastUsedAt",
          least(max(c.expires_at), max(coalesce(c.last_used_at, c.created_at)
            + make_interval(secs => coalesce(c.idle_seconds, 43200))) filter (where c.kind = 'session')) as "expiresAt",
          min(c.address) as address, min(c.user_agent) as "userAgent", bool_or(c.id = $3) as current
     from credentials c
    where c.user_id = $1 and ${KINDS} and c.revoked_at is null and c.expires_at > $2 and ${NOT_IDLE('$2')}
    group by c.family_id
   having $4::timestamptz is null or (${BEGUN}, c.family_id) < ($4, $5::uuid)
    order by ${BEGUN} desc, c.family_id desc limit $6`,
);

/** The user's sessions and logins that have not ended, the newest first, after `after`. */
export async function listLogins(
  db: Executor,
  of: { userId: string; credentialId: string; now: Date },
  after: { begunAt: Date; sessionId: string } | null,
  limit: number,
): Promise<LoginRow[]> {
  const { userId, credentialId, now } = of;
  return await db.run(list, [
    userId,
    now,
    credentialId,
    after?.begunAt ?? null,
    after?.sessionId ?? null,
    limit,
  ]);
}

const lockUser = statement<readonly [userId: string]>(
  'credentials.lock_user',
  'select id from users where id = $1 for no key update',
);

/** Has one at a time, until the transaction ends, of what makes and what ends the user's logins and access tokens. */
export async function lockLogins(db: Executor, userId: string): Promise<void> {
  await db.run(lockUser, [userId]);
}

const revoke = statement<
  readonly [userId: string, now: Date, sessionId: string, credentialId: string],
  { current: boolean }
>(
  'credentials.revoke_login',
  `update credentials c set revoked_at = $2
    where c.user_id = $1 and c.family_id = $3 and ${KINDS} and c.revoked_at is null and c.expires_at > $2
      and ${NOT_IDLE('$2')}
   returning c.id = $4 as current`,
);

/** Ends one of the user's sessions or logins; says whether it was the one that asks, null when there was none to end. */
export async function revokeLogin(
  db: Executor,
  by: { userId: string; credentialId: string; now: Date },
  sessionId: string,
): Promise<{ current: boolean } | null> {
  const ended = await db.run(revoke, [by.userId, by.now, sessionId, by.credentialId]);
  return ended.length === 0 ? null : { current: ended.some(({ current }) => current) };
}

const succeed = statement<
  readonly [id: string, nextId: string, secretHash: Buffer, now: Date],
  { expiresAt: Date }
>(
  'credentials.succeed_session',
  `with former as (
     update credentials set revoked_at = $4 where id = $1 and kind = 'session' and revoked_at is null returning *)
   insert into credentials (id, kind, user_id, secret_hash, family_id, created_at, begun_at, expires_at, last_used_at,
                            address, user_agent, idle_seconds)
   select $2, kind, user_id, $3, family_id, created_at, coalesce(begun_at, created_at), expires_at, last_used_at,
          address, user_agent, idle_seconds
     from former
   returning expires_at as "expiresAt"`,
);

/**
 * Ends a session's credential and has another one go on for it, with another secret; null when it has ended or is no session.
 * Another id too: what was let in by the former one, and still waits or watches, is out.
 */
export async function succeedSession(
  db: Executor,
  id: string,
  next: { id: string; secretHash: Buffer },
  now: Date,
): Promise<{ expiresAt: Date } | null> {
  return (await db.run(succeed, [id, next.id, next.secretHash, now]))[0] ?? null;
}
