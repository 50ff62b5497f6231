import { statement } from '#server/db/database.ts';

export interface AccountRow {
  readonly userId: string;
  readonly username: string;
  readonly createdAt: Date;
}

/** The organisation's accounts that are not deleted, by name. */
export const listAccounts = statement<[organisationId: string], AccountRow>(
  'service_accounts.list',
  `select id as "userId", username, created_at as "createdAt" from users
    where organisation_id = $1 and kind = 'service' and deleted_at is null
    order by lower(username)`,
);

export const countAccounts = statement<[organisationId: string], { count: number }>(
  'service_accounts.count',
  `select count(*) from users where organisation_id = $1 and kind = 'service' and deleted_at is null`,
);

/** Makes the creations of accounts in one organisation wait for each other. */
export const lockOrganisation = statement<[organisationId: string]>(
  'service_accounts.lock_organisation',
  'select id from organisations where id = $1 for no key update',
);

/** A name that is taken violates `users_service`. */
export const insertAccount = statement<
  readonly [id: string, organisationId: string, username: string, now: Date]
>(
  'service_accounts.insert',
  `insert into users (id, kind, organisation_id, username, created_at, updated_at)
   values ($1, 'service', $2, $3, $4, $4)`,
);

/** Locks an account against deletion and new tokens. */
export const lockAccount = statement<[id: string, organisationId: string], AccountRow>(
  'service_accounts.lock',
  `select id as "userId", username, created_at as "createdAt" from users
    where id = $1 and organisation_id = $2 and kind = 'service' and deleted_at is null for no key update`,
);

/** Deletes a locked account and revokes its tokens. */
export const deleteAccount = statement<[id: string, now: Date]>(
  'service_accounts.delete',
  `with revoked as (
     update credentials set revoked_at = $2 where user_id = $1 and kind = 'service' and revoked_at is null)
   update users set deleted_at = $2, updated_at = $2 where id = $1 and kind = 'service'`,
);
