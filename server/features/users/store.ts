import { type Statement, statement } from '#server/db/database.ts';

/** A user as one viewer may see them. */
export interface UserRow {
  readonly userId: string;
  readonly username: string;
  /** Null when there is none, or the viewer may not see it. */
  readonly email: string | null;
  readonly profilePictureUrl: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface LoginRow extends UserRow {
  readonly passwordHash: string | null;
}

export type UserKey = 'user_id' | 'username' | 'email';

/** Usernames and addresses ignore case. */
const MATCHES: Readonly<Record<UserKey, string>> = {
  user_id: `u.id = $1::uuid and u.kind = 'person'`,
  username: `lower(u.username) = lower($1) and u.kind = 'person'`,
  email: `lower(u.email) = lower($1) and u.kind = 'person'`,
};

const byKey = <S>(make: (key: UserKey, matches: string) => S): Readonly<Record<UserKey, S>> => ({
  user_id: make('user_id', MATCHES.user_id),
  username: make('username', MATCHES.username),
  email: make('email', MATCHES.email),
});

export const insertUser = statement<
  readonly [id: string, username: string, email: string | null, passwordHash: string | null, now: Date]
>(
  'users.insert',
  `insert into users (id, username, email, password_hash, created_at, updated_at) values ($1, $2, $3, $4, $5, $5)`,
);

/** A user with the hash of their password. */
export const findLoginBy = byKey(
  (key, matches): Statement<readonly [value: string], LoginRow> =>
    statement(
      `users.find_login_by_${key}`,
      `select u.id as "userId", u.username, u.email, u.profile_picture_url as "profilePictureUrl",
              u.created_at as "createdAt", u.updated_at as "updatedAt", u.password_hash as "passwordHash"
         from users u where ${matches}`,
    ),
);

/** Whether that is still the user's password hash; it stays so until the transaction ends. */
export const lockPassword = statement<[id: string, passwordHash: string], { id: string }>(
  'users.lock_password',
  'select id from users where id = $1 and password_hash = $2 for share',
);

/** No row: the password hash was no longer `from`. */
export const replacePassword = statement<[id: string, from: string, to: string, now: Date], { id: string }>(
  'users.replace_password',
  'update users set password_hash = $3, updated_at = $4 where id = $1 and password_hash = $2 returning id',
);

export const setPassword = statement<[username: string, to: string, now: Date], { id: string }>(
  'users.set_password',
  `update users set password_hash = $2, updated_at = $3
    where lower(username) = lower($1) and kind = 'person' returning id`,
);

/** Which of those names, in lower case, are taken. */
export const findTakenNames = statement<[names: readonly string[]], { name: string }>(
  'users.find_taken_names',
  `select lower(username) as name from users where lower(username) = any ($1) and kind = 'person'`,
);

/** Whether a username and an address are taken; '' is no address. */
export const findTaken = statement<
  [username: string, email: string],
  { readonly username: boolean; readonly email: boolean }
>(
  'users.find_taken',
  `select exists (select from users where lower(username) = lower($1) and kind = 'person') as username,
          exists (select from users where lower(email) = lower($2) and email is not null) as email`,
);

export const hasUsers = statement<[], { any: boolean }>(
  'users.any',
  'select exists (select from users) as any',
);

/**
 * A user as the viewer ($2) may see them: themselves, members of the same organisations, and everyone for an admin of any
 * organisation. Only admins of an organisation that the user belongs to see the address.
 */
export const findVisibleBy = byKey(
  (key, matches): Statement<readonly [value: string, viewerId: string], UserRow> =>
    statement(
      `users.find_visible_by_${key}`,
      `select u.id as "userId", u.username,
              case when u.id = $2 or exists (select from fellow_members f
                                              where f.user_id = $2 and f.fellow_id = u.id and f.role = 'admin')
                   then u.email end as email,
              u.profile_picture_url as "profilePictureUrl", u.created_at as "createdAt", u.updated_at as "updatedAt"
         from users u
        where ${matches}
          and (u.id = $2
               or exists (select from fellow_members f where f.user_id = $2 and f.fellow_id = u.id)
               or exists (select from memberships where user_id = $2 and role = 'admin'))`,
    ),
);

/**
 * The viewer and the members of their organisations, by username after `after`. `strpos` rather than `like`: the search is
 * text, not a pattern.
 */
export const listVisible = statement<
  [viewerId: string, search: string, after: string | null, limit: number],
  UserRow
>(
  'users.list_visible',
  `select u.id as "userId", u.username,
          case when u.id = $1 or exists (select from fellow_members f
                                          where f.user_id = $1 and f.fellow_id = u.id and f.role = 'admin')
               then u.email end as email,
          u.profile_picture_url as "profilePictureUrl", u.created_at as "createdAt", u.updated_at as "updatedAt"
     from users u
    where (u.id = $1 or exists (select from fellow_members f where f.user_id = $1 and f.fellow_id = u.id))
      and ($2::text = '' or strpos(lower(u.username), lower($2)) > 0)
      and ($3::text is null or lower(u.username) > lower($3))
    order by lower(u.username) limit $4`,
);

export const countVisible = statement<[viewerId: string, search: string], { count: number }>(
  'users.count_visible',
  `select count(*) from users u
    where (u.id = $1 or exists (select from fellow_members f where f.user_id = $1 and f.fellow_id = u.id))
      and ($2::text = '' or strpos(lower(u.username), lower($2)) > 0)`,
);

/** Makes changes of one user's commit addresses wait for each other, until the transaction ends. */
export const lockUser = statement<[userId: string]>(
  'users.lock',
  'select id from users where id = $1 for no key update',
);

export const listAddresses = statement<[userId: string], { address: string }>(
  'users.list_addresses',
  'select address from commit_addresses where user_id = $1 order by lower(address)',
);

export const insertAddress = statement<[userId: string, address: string, at: Date]>(
  'users.insert_address',
  'insert into commit_addresses (user_id, address, created_at) values ($1, $2, $3)',
);

export const deleteAddress = statement<[userId: string, address: string], { address: string }>(
  'users.delete_address',
  'delete from commit_addresses where user_id = $1 and lower(address) = lower($2) returning address',
);
