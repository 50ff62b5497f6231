import { type Executor, type Statement, statement } from '#server/db/database.ts';

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

/** How each key finds a person: names and addresses are the same in upper and lower case. */
const matches: Readonly<Record<UserKey, string>> = {
  user_id: `u.id = $1::uuid and u.kind = 'person'`,
  username: `lower(u.username) = lower($1) and u.kind = 'person'`,
  email: `lower(u.email) = lower($1) and u.kind = 'person'`,
};

const columns = (email: string) =>
  `u.id as "userId", u.username, ${email} as email, u.profile_picture_url as "profilePictureUrl",
   u.created_at as "createdAt", u.updated_at as "updatedAt"`;

const shares = (viewer: string, role: string) =>
  `exists (select 1 from memberships mine join memberships theirs using (organisation_id)
            where mine.user_id = ${viewer} and theirs.user_id = u.id ${role})`;

/** The address, for the user and for admins of an organisation they belong to. */
const emailFor = (viewer: string) =>
  `case when u.id = ${viewer} or ${shares(viewer, "and mine.role = 'admin'")} then u.email end`;

const insert = statement<
  readonly [id: string, username: string, email: string | null, passwordHash: string | null, now: Date]
>(
  'users.insert',
  `insert into users (id, username, email, password_hash, created_at, updated_at) values ($1, $2, $3, $4, $5, $5)`,
);

export async function insertUser(
  db: Executor,
  user: { id: string; username: string; email: string | null; passwordHash: string | null; now: Date },
): Promise<void> {
  await db.run(insert, [user.id, user.username, user.email, user.passwordHash, user.now]);
}

type FindLogin = Statement<readonly [value: string], LoginRow>;
const findLogin = (key: UserKey): FindLogin =>
  statement(
    `users.login_by_${key}`,
    `select ${columns('u.email')}, u.password_hash as "passwordHash" from users u where ${matches[key]}`,
  );
const logins: Readonly<Record<UserKey, FindLogin>> = {
  user_id: findLogin('user_id'),
  username: findLogin('username'),
  email: findLogin('email'),
};

/** The user with the hash of their password, for whoever proves to know it. */
export async function findForLogin(db: Executor, key: UserKey, value: string): Promise<LoginRow | null> {
  return (await db.run(logins[key], [value]))[0] ?? null;
}

const lockPassword = statement<readonly [id: string, passwordHash: string], { id: string }>(
  'users.lock_password',
  'select id from users where id = $1 and password_hash = $2 for share',
);

/** Whether the password is still that one; it then stays so until the transaction ends. */
export async function holdPassword(db: Executor, id: string, passwordHash: string): Promise<boolean> {
  return (await db.run(lockPassword, [id, passwordHash])).length > 0;
}

const updatePassword = statement<readonly [id: string, from: string, to: string, now: Date], { id: string }>(
  'users.update_password',
  'update users set password_hash = $3, updated_at = $4 where id = $1 and password_hash = $2 returning id',
);

/** Whether the password still was `from` and is now `to`. */
export async function replacePassword(
  db: Executor,
  id: string,
  from: string,
  to: string,
  now: Date,
): Promise<boolean> {
  return (await db.run(updatePassword, [id, from, to, now])).length > 0;
}

const overwritePassword = statement<readonly [username: string, to: string, now: Date], { id: string }>(
  'users.overwrite_password',
  `update users u set password_hash = $2, updated_at = $3 where ${matches.username} returning u.id`,
);

/** Sets a password whatever it was; gives the user's id, or null when there is no such user. */
export async function setPassword(
  db: Executor,
  username: string,
  to: string,
  now: Date,
): Promise<string | null> {
  return (await db.run(overwritePassword, [username, to, now]))[0]?.id ?? null;
}

const takenNames = statement<readonly [names: readonly string[]], { name: string }>(
  'users.taken_names',
  `select lower(username) as name from users where lower(username) = any ($1) and kind = 'person'`,
);

/** Which of the names, in lower case, somebody has. */
export async function findTakenNames(db: Executor, names: readonly string[]): Promise<string[]> {
  return (await db.run(takenNames, [names])).map(({ name }) => name);
}

const anyUser = statement<readonly [], { any: boolean }>(
  'users.any',
  'select exists (select 1 from users) as any',
);

export async function hasAnyUser(db: Executor): Promise<boolean> {
  return (await db.run(anyUser, []))[0]?.any ?? false;
}

type FindVisible = Statement<readonly [value: string, viewer: string], UserRow>;
const findVisible = (key: UserKey): FindVisible =>
  statement(
    `users.visible_by_${key}`,
    `select ${columns(emailFor('$2'))} from users u
      where ${matches[key]}
        and (u.id = $2
             or ${shares('$2', '')}
             or exists (select 1 from memberships where user_id = $2 and role = 'admin'))`,
  );
const visible: Readonly<Record<UserKey, FindVisible>> = {
  user_id: findVisible('user_id'),
  username: findVisible('username'),
  email: findVisible('email'),
};

/** The user as `viewer` may see them: themselves, who shares an organisation, or, for an admin of any, everybody. */
export async function findVisibleUser(
  db: Executor,
  key: UserKey,
  value: string,
  viewer: string,
): Promise<UserRow | null> {
  return (await db.run(visible[key], [value, viewer]))[0] ?? null;
}

// `strpos` instead of `like`: what was typed is text, not a pattern.
const SHARED = `from users u
  where (u.id = $1 or ${shares('$1', '')})
    and ($2::text = '' or strpos(lower(u.username), lower($2)) > 0)`;

const list = statement<
  readonly [viewer: string, search: string, after: string | null, limit: number],
  UserRow
>(
  'users.list',
  `select ${columns(emailFor('$1'))} ${SHARED}
      and ($3::text is null or lower(u.username) > lower($3))
    order by lower(u.username) limit $4`,
);

/** The viewer and who shares an organisation with them, by username, after `after`. */
export async function listSharedUsers(
  db: Executor,
  viewer: string,
  search: string,
  after: string | null,
  limit: number,
): Promise<UserRow[]> {
  return await db.run(list, [viewer, search, after, limit]);
}

const count = statement<readonly [viewer: string, search: string], { count: number }>(
  'users.count',
  `select count(*) ${SHARED}`,
);

export async function countSharedUsers(db: Executor, viewer: string, search: string): Promise<number> {
  return (await db.run(count, [viewer, search]))[0]?.count ?? 0;
}
