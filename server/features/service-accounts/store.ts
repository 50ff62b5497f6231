import { type Executor, statement } from '#server/db/database.ts';

/** Times are RFC 3339 text. */
export interface TokenJson {
  readonly tokenId: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly lastUsedAt: string | null;
}

export interface AccountRow {
  readonly userId: string;
  readonly username: string;
  readonly createdAt: Date;
}

const listed = statement<
  readonly [organisationId: string],
  AccountRow & { readonly tokens: readonly TokenJson[] }
>(
  'service_accounts.list',
  `select u.id as "userId", u.username, u.created_at as "createdAt",
          (select coalesce(json_agg(json_build_object('tokenId', c.id, 'name', c.name, 'scopes', c.scopes,
                    'createdAt', c.created_at, 'expiresAt', c.expires_at, 'lastUsedAt', c.last_used_at)
                    order by c.created_at desc, c.id desc), '[]')
             from credentials c where c.user_id = u.id and c.kind = 'service' and c.revoked_at is null) as tokens
     from users u
    where u.organisation_id = $1 and u.kind = 'service' and u.deleted_at is null
    order by lower(u.username)`,
);

/** The organisation's accounts that are not deleted, by name, each with its tokens that are not revoked, newest first. */
export const listAccounts = (db: Executor, organisationId: string) => db.run(listed, [organisationId]);

const counted = statement<readonly [organisationId: string], { accounts: number }>(
  'service_accounts.count',
  `select count(*) as accounts from users where organisation_id = $1 and kind = 'service' and deleted_at is null`,
);
const held = statement<readonly [organisationId: string]>(
  'service_accounts.hold_organisation',
  'select id from organisations where id = $1 for no key update',
);

/** How many accounts the organisation has; others who count wait until the transaction ends. */
export async function holdCount(db: Executor, organisationId: string): Promise<number> {
  await db.run(held, [organisationId]);
  return (await db.run(counted, [organisationId]))[0]?.accounts ?? 0;
}

const insert = statement<readonly [id: string, organisationId: string, username: string, now: Date]>(
  'service_accounts.insert',
  `insert into users (id, kind, organisation_id, username, created_at, updated_at)
   values ($1, 'service', $2, $3, $4, $4)`,
);

/** A name that is taken is a violation of `users_service`. */
export async function insertAccount(db: Executor, organisationId: string, row: AccountRow): Promise<void> {
  await db.run(insert, [row.userId, organisationId, row.username, row.createdAt]);
}

const lock = statement<readonly [id: string, organisationId: string], AccountRow>(
  'service_accounts.lock',
  `select id as "userId", username, created_at as "createdAt" from users
    where id = $1 and organisation_id = $2 and kind = 'service' and deleted_at is null for no key update`,
);

/** The account, which others neither delete nor give tokens until the transaction ends; null when there is none. */
export async function lockAccount(
  db: Executor,
  id: string,
  organisationId: string,
): Promise<AccountRow | null> {
  return (await db.run(lock, [id, organisationId]))[0] ?? null;
}

const remove = statement<readonly [id: string, now: Date]>(
  'service_accounts.delete',
  `with ended as (
     update credentials set revoked_at = $2 where user_id = $1 and kind = 'service' and revoked_at is null
   )
   update users set deleted_at = $2, updated_at = $2 where id = $1 and kind = 'service'`,
);

/** Deletes a locked account, and ends its tokens. */
export async function deleteAccount(db: Executor, id: string, now: Date): Promise<void> {
  await db.run(remove, [id, now]);
}

const countTokens = statement<readonly [id: string], { tokens: number }>(
  'service_accounts.count_tokens',
  `select count(*) as tokens from credentials where user_id = $1 and kind = 'service' and revoked_at is null`,
);

export async function tokensOf(db: Executor, id: string): Promise<number> {
  return (await db.run(countTokens, [id]))[0]?.tokens ?? 0;
}

const revoke = statement<readonly [tokenId: string, id: string, now: Date], { name: string }>(
  'service_accounts.revoke_token',
  `update credentials set revoked_at = $3
    where id = $1 and user_id = $2 and kind = 'service' and revoked_at is null returning name`,
);

/** The name of the account's token that has ended with this; null when there was none to end. */
export async function revokeToken(
  db: Executor,
  tokenId: string,
  id: string,
  now: Date,
): Promise<string | null> {
  return (await db.run(revoke, [tokenId, id, now]))[0]?.name ?? null;
}
