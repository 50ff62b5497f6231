import { statement } from '#server/db/database.ts';

/** What is stored of a sign-in while the browser is at the provider. */
export interface PendingRow {
  readonly nonce: string;
  readonly codeVerifier: string;
  readonly returnTo: string;
  readonly userId: string | null;
  readonly setUpTokenHash: Buffer | null;
  readonly organisation: string | null;
}

/**
 * No row: the address has `max` sign-ins pending. Each insert deletes a few expired rows, so the table holds about ten minutes
 * of sign-ins.
 */
export const insertPending = statement<
  [
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
    max: number,
  ],
  { expiresAt: Date }
>(
  'oidc.insert_pending',
  `with expired as (
     delete from oidc_sign_ins where state_hash in (
       select state_hash from oidc_sign_ins where expires_at <= $12 order by expires_at limit 20 for update skip locked))
   insert into oidc_sign_ins (state_hash, browser_hash, provider, nonce, code_verifier, return_to, user_id,
                              set_up_token_hash, organisation, address, expires_at)
   select $1, $2, $3, $4, $5, $6, $7::uuid, $8, $9, $10, $11
    where (select count(*) from (select 1 from oidc_sign_ins where address = $10 and expires_at > $12 limit $13) s) < $13
   returning expires_at as "expiresAt"`,
);

/** Deletes a pending sign-in and returns it: of two simultaneous uses one gets it. */
export const takePending = statement<
  [stateHash: Buffer, browserHash: Buffer, provider: string, now: Date],
  PendingRow
>(
  'oidc.take_pending',
  `delete from oidc_sign_ins
    where state_hash = $1 and browser_hash = $2 and provider = $3 and expires_at > $4
   returning nonce, code_verifier as "codeVerifier", return_to as "returnTo", user_id as "userId",
             set_up_token_hash as "setUpTokenHash", organisation`,
);

/** Makes sign-ins of one identity wait for each other, on all servers. No other advisory lock has two keys. */
export const lockIdentity = statement<[issuer: string, subject: string]>(
  'oidc.lock_identity',
  'select pg_advisory_xact_lock(hashtext($1), hashtext($2))',
);

/** The user that an identity belongs to. */
export interface Owner {
  readonly userId: string;
  readonly username: string;
}

/** Records the use of an identity. No row: it belongs to no user. */
export const touchIdentity = statement<
  [issuer: string, subject: string, provider: string, email: string, now: Date],
  Owner
>(
  'oidc.touch_identity',
  `update user_identities i set provider = $3, email = $4, last_used_at = $5
     from users u where i.issuer = $1 and i.subject = $2 and u.id = i.user_id
   returning u.id as "userId", u.username`,
);

export const findOwner = statement<[issuer: string, subject: string], Owner>(
  'oidc.find_owner',
  `select u.id as "userId", u.username from user_identities i join users u on u.id = i.user_id
    where i.issuer = $1 and i.subject = $2`,
);

export const insertIdentity = statement<
  [id: string, userId: string, issuer: string, subject: string, provider: string, email: string, now: Date]
>(
  'oidc.insert_identity',
  `insert into user_identities (id, user_id, issuer, subject, provider, email, created_at, last_used_at)
   values ($1, $2, $3, $4, $5, $6, $7, $7)`,
);

export interface IdentityRow {
  readonly identityId: string;
  readonly provider: string;
  readonly email: string;
  readonly createdAt: Date;
  readonly lastUsedAt: Date;
}

/** Oldest first. */
export const listIdentities = statement<[userId: string], IdentityRow>(
  'oidc.list_identities',
  `select id as "identityId", provider, email, created_at as "createdAt", last_used_at as "lastUsedAt"
     from user_identities where user_id = $1 order by created_at, id`,
);

/** Makes changes of one user's identities wait for each other. */
export const lockUser = statement<[userId: string]>(
  'oidc.lock_user',
  'select id from users where id = $1 for no key update',
);

export const hasPassword = statement<[userId: string], { any: boolean }>(
  'oidc.has_password',
  'select password_hash is not null as any from users where id = $1',
);

export const deleteIdentity = statement<[id: string, userId: string]>(
  'oidc.delete_identity',
  'delete from user_identities where id = $1 and user_id = $2',
);
