import { type Executor, statement } from '#server/db/database.ts';

/** A sign-in that is under way at a provider. */
export interface PendingRow {
  readonly nonce: string;
  readonly codeVerifier: string;
  readonly returnTo: string;
  readonly userId: string | null;
  readonly setUpTokenHash: Buffer | null;
  readonly organisation: string | null;
}

export interface NewPending extends PendingRow {
  readonly stateHash: Buffer;
  readonly browserHash: Buffer;
  readonly provider: string;
  readonly address: string;
  readonly now: Date;
  readonly expiresAt: Date;
}

// The old go with the new, a few at a time: the table stays as small as the sign-ins of ten minutes.
const insert = statement<
  readonly [
    stateHash: Buffer,
    browserHash: Buffer,
    provider: string,
    nonce: string,
    codeVerifier: string,
    returnTo: string,
    userId: string | null,
    setUpTokenHash: Buffer | null,
    organisation: string | null,
    address: string,
    expiresAt: Date,
    now: Date,
    most: number,
  ],
  { expiresAt: Date }
>(
  'oidc.insert_pending',
  `with old as (
     delete from oidc_sign_ins where state_hash in (
       select state_hash from oidc_sign_ins where expires_at <= $12 order by expires_at limit 20 for update skip locked))
   insert into oidc_sign_ins (state_hash, browser_hash, provider, nonce, code_verifier, return_to, user_id,
                              set_up_token_hash, organisation, address, expires_at)
   select $1, $2, $3, $4, $5, $6, $7::uuid, $8, $9, $10, $11
    where (select count(*) from (select 1 from oidc_sign_ins where address = $10 and expires_at > $12 limit $13) s) < $13
   returning expires_at as "expiresAt"`,
);

/** Whether the sign-in was begun: not when that address has `most` of them under way. */
export async function insertPending(db: Executor, p: NewPending, most: number): Promise<boolean> {
  const rows = await db.run(insert, [
    p.stateHash,
    p.browserHash,
    p.provider,
    p.nonce,
    p.codeVerifier,
    p.returnTo,
    p.userId,
    p.setUpTokenHash,
    p.organisation,
    p.address,
    p.expiresAt,
    p.now,
    most,
  ]);
  return rows.length > 0;
}

const take = statement<
  readonly [stateHash: Buffer, browserHash: Buffer, provider: string, now: Date],
  PendingRow
>(
  'oidc.take_pending',
  `delete from oidc_sign_ins
    where state_hash = $1 and browser_hash = $2 and provider = $3 and expires_at > $4
   returning nonce, code_verifier as "codeVerifier", return_to as "returnTo", user_id as "userId",
             set_up_token_hash as "setUpTokenHash", organisation`,
);

/** Ends a sign-in that is under way and gives what was kept of it; of two at once one gets it. */
export async function takePending(
  db: Executor,
  stateHash: Buffer,
  browserHash: Buffer,
  provider: string,
  now: Date,
): Promise<PendingRow | null> {
  return (await db.run(take, [stateHash, browserHash, provider, now]))[0] ?? null;
}

const lock = statement<readonly [issuer: string, subject: string]>(
  'oidc.lock_identity',
  // Two keys: no other advisory lock of this server has two.
  `select pg_advisory_xact_lock(hashtext($1), hashtext($2))`,
);

/** Lets one sign-in of an identity through at a time, until the transaction ends; also over several servers. */
export async function lockIdentity(db: Executor, issuer: string, subject: string): Promise<void> {
  await db.run(lock, [issuer, subject]);
}

export interface IdentityRow {
  readonly identityId: string;
  readonly provider: string;
  readonly email: string;
  readonly createdAt: Date;
  readonly lastUsedAt: Date;
}

/** Whose an identity is. */
export interface Owner {
  readonly userId: string;
  readonly username: string;
}

const use = statement<
  readonly [issuer: string, subject: string, provider: string, email: string, now: Date],
  Owner
>(
  'oidc.use_identity',
  `update user_identities i set provider = $3, email = $4, last_used_at = $5
     from users u where i.issuer = $1 and i.subject = $2 and u.id = i.user_id
   returning u.id as "userId", u.username`,
);

/** The user whose identity that is, noting its use; null for one that nobody has. */
export async function noteUse(
  db: Executor,
  identity: { issuer: string; subject: string; provider: string; email: string },
  now: Date,
): Promise<Owner | null> {
  const { issuer, subject, provider, email } = identity;
  return (await db.run(use, [issuer, subject, provider, email, now]))[0] ?? null;
}

const owner = statement<readonly [issuer: string, subject: string], Owner>(
  'oidc.owner',
  `select u.id as "userId", u.username from user_identities i join users u on u.id = i.user_id
    where i.issuer = $1 and i.subject = $2`,
);

/** The user whose identity that is; null for one that nobody has. */
export async function findOwner(db: Executor, issuer: string, subject: string): Promise<Owner | null> {
  return (await db.run(owner, [issuer, subject]))[0] ?? null;
}

const add = statement<
  readonly [
    id: string,
    userId: string,
    issuer: string,
    subject: string,
    provider: string,
    email: string,
    now: Date,
  ]
>(
  'oidc.insert_identity',
  `insert into user_identities (id, user_id, issuer, subject, provider, email, created_at, last_used_at)
   values ($1, $2, $3, $4, $5, $6, $7, $7)`,
);

export async function insertIdentity(
  db: Executor,
  id: string,
  userId: string,
  identity: { issuer: string; subject: string; provider: string; email: string },
  now: Date,
): Promise<void> {
  const { issuer, subject, provider, email } = identity;
  await db.run(add, [id, userId, issuer, subject, provider, email, now]);
}

const list = statement<readonly [userId: string], IdentityRow>(
  'oidc.list_identities',
  `select id as "identityId", provider, email, created_at as "createdAt", last_used_at as "lastUsedAt"
     from user_identities where user_id = $1 order by created_at, id`,
);

/** A user's identities, oldest first. */
export async function listIdentities(db: Executor, userId: string): Promise<IdentityRow[]> {
  return await db.run(list, [userId]);
}

const lockUser = statement<readonly [userId: string], { id: string }>(
  'oidc.lock_user',
  'select id from users where id = $1 for no key update',
);

/** Makes changes of a user's identities wait for each other. */
export async function lockUserIdentities(db: Executor, userId: string): Promise<void> {
  await db.run(lockUser, [userId]);
}

const password = statement<readonly [userId: string], { any: boolean }>(
  'oidc.has_password',
  'select password_hash is not null as any from users where id = $1',
);

/** Whether the user has a password. */
export async function hasPassword(db: Executor, userId: string): Promise<boolean> {
  return (await db.run(password, [userId]))[0]?.any ?? false;
}

const remove = statement<readonly [id: string, userId: string]>(
  'oidc.delete_identity',
  'delete from user_identities where id = $1 and user_id = $2',
);

export async function deleteIdentity(db: Executor, id: string, userId: string): Promise<void> {
  await db.run(remove, [id, userId]);
}
