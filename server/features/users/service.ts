import type { AppContext } from '#server/context.ts';
import { type Executor, isUniqueViolation, type Transaction } from '#server/db/database.ts';
import { Failure, invalid, notFound, permissionDenied } from '#server/failure.ts';
import type { Caller } from '#server/features/access/service.ts';
import { endOtherLogins, type IssuedTokens, issueTokens } from '#server/features/credentials/service.ts';
import { isAdminSomewhere } from '#server/features/organisations/service.ts';
import type { Page } from '#server/rpc/page.ts';
import { hashPassword, verifyPassword } from './password.ts';
import {
  countSharedUsers,
  findForLogin,
  findVisibleUser,
  hasAnyUser,
  holdPassword,
  insertUser,
  listSharedUsers,
  replacePassword,
  type UserKey,
  type UserRow,
} from './store.ts';

export type User = UserRow;

/** How a user is named: by exactly one of these. */
export interface UserIdentifier {
  readonly key: UserKey;
  readonly value: string;
}

/** A user who has just shown to know their password. */
export interface ProvenUser {
  readonly user: User;
  readonly passwordHash: string;
}

// The same words for everything that can be wrong: they must not tell which users exist.
const WRONG = 'wrong username, email or password';

/**
 * Creates a user within somebody's transaction (registration, set-up, a demo's making). `email` '' means none.
 * @throws Failure `already_exists`, naming the field, when the username or address is taken in upper or lower case.
 */
export async function addUser(
  tx: Transaction,
  app: AppContext,
  input: { username: string; email: string; passwordHash: string },
): Promise<User> {
  const { username, passwordHash } = input;
  const email = input.email === '' ? null : input.email;
  const userId = app.newId();
  const now = app.clock.now();
  try {
    await insertUser(tx, { id: userId, username, email, passwordHash, now });
  } catch (error) {
    if (isUniqueViolation(error, 'users_username')) throw taken('username', username);
    if (isUniqueViolation(error, 'users_email')) throw taken('email', input.email);
    throw error;
  }
  return { userId, username, email, profilePictureUrl: null, createdAt: now, updatedAt: now };
}

function taken(field: 'username' | 'email', value: string): Failure {
  const fields = [{ field, message: 'is taken' }];
  return new Failure('already_exists', `the ${field} "${value}" is taken`, { fields });
}

/**
 * Registers a user, who belongs to no organisation yet. Where registration is open everybody may, and is logged in by it;
 * where it is closed an admin of an organisation may, for somebody else, who then logs in with what the admin tells them.
 * @throws Failure `permission_denied` to others; `already_exists`.
 */
export async function register(
  app: AppContext,
  caller: Caller | null,
  input: { username: string; email: string; password: string },
): Promise<{ user: User; tokens: IssuedTokens | null }> {
  const open = app.config.registration === 'open';
  if (!open && !(caller !== null && (await isAdminSomewhere(app, caller)))) {
    throw permissionDenied('registration is closed on this server: ask an admin of your organisation');
  }
  const passwordHash = await hashPassword(input.password);
  return await app.db.transaction(async (tx) => {
    const { username, email } = input;
    const user = await addUser(tx, app, { username, email, passwordHash });
    return { user, tokens: open ? await issueTokens(tx, app, user.userId, null) : null };
  });
}

/**
 * Checks a password. Takes the same time and fails with the same words whether or not the user exists.
 * @throws Failure `unauthenticated`.
 */
export async function proveUser(
  app: AppContext,
  { key, value }: UserIdentifier,
  password: string,
): Promise<ProvenUser> {
  const row = await findForLogin(app.db, key, value);
  const right = await verifyPassword(row?.passwordHash ?? null, password);
  if (!right || row?.passwordHash == null) throw new Failure('unauthenticated', WRONG);
  const { passwordHash, ...user } = row;
  return { user, passwordHash };
}

/**
 * Makes sure, within the transaction that lets the user in, that the proof still holds: a password that was changed in
 * the meantime must not leave a login behind.
 * @throws Failure `unauthenticated`.
 */
export async function holdProof(tx: Transaction, proven: ProvenUser): Promise<void> {
  const held = await holdPassword(tx, proven.user.userId, proven.passwordHash);
  if (!held) throw new Failure('unauthenticated', WRONG);
}

/** Logs a client in that is no browser. @throws Failure `unauthenticated`. */
export async function login(
  app: AppContext,
  identifier: UserIdentifier,
  password: string,
): Promise<{ user: User; tokens: IssuedTokens }> {
  const proven = await proveUser(app, identifier, password);
  const tokens = await app.db.transaction(async (tx) => {
    await holdProof(tx, proven);
    return await issueTokens(tx, app, proven.user.userId, null);
  });
  return { user: proven.user, tokens };
}

/**
 * A user as the caller may see them: themselves, whoever shares an organisation with them, and, for an admin of any
 * organisation (who has to find people to add), everybody; always by the exact id, name or address. The address is
 * shown to the user and to admins of an organisation they belong to.
 * @throws Failure `not_found`.
 */
export async function getUser(app: AppContext, caller: Caller, identifier: UserIdentifier): Promise<User> {
  const { key, value } = identifier;
  const user = await findVisibleUser(app.db, key, value, caller.userId);
  if (user === null) throw notFound(key === 'user_id' ? `user ${value}` : `user "${value}"`);
  return user;
}

/** The caller and whoever shares an organisation with them, by username; `search` is a part of it, '' means all. */
export async function listUsers(
  app: AppContext,
  caller: Caller,
  search: string,
  page: Page,
): Promise<{ users: User[]; totalCount: number }> {
  const after = page.after === null ? null : (page.after[0] ?? '');
  const users = await listSharedUsers(app.db, caller.userId, search, after, page.limit + 1);
  return { users, totalCount: await countSharedUsers(app.db, caller.userId, search) };
}

/**
 * Changes the caller's own password and ends their other sessions and logins; personal access tokens live on.
 * @throws Failure `permission_denied` for somebody else's; `invalid_argument` at `current_password` when that is wrong.
 */
export async function changePassword(
  app: AppContext,
  caller: Caller,
  input: { userId: string; currentPassword: string; newPassword: string },
): Promise<void> {
  requireOwn(caller, input.userId, 'change the password of');
  const { userId } = caller;
  const row = await findForLogin(app.db, 'user_id', userId);
  const right = await verifyPassword(row?.passwordHash ?? null, input.currentPassword);
  const wrong = invalid({ field: 'current_password', message: 'is not your current password' });
  if (!right || row?.passwordHash == null) throw wrong;
  const { passwordHash: from } = row;
  const to = await hashPassword(input.newPassword);
  await app.db.transaction(async (tx) => {
    if (!(await replacePassword(tx, userId, from, to, app.clock.now()))) throw wrong;
    await endOtherLogins(tx, app, userId, caller.credentialId);
  });
}

/**
 * Requires that a request about a user is about the caller; '' means the caller.
 * @throws Failure `permission_denied`, in words that do not tell whether the other user exists.
 */
export function requireOwn(caller: Caller, userId: string, deed: string): void {
  if (userId !== '' && userId.toLowerCase() !== caller.userId) {
    throw permissionDenied(`you can only ${deed} your own user`);
  }
}

/** Whether anybody exists on this server: false asks for the set-up. */
export async function hasUsers(db: Executor): Promise<boolean> {
  return await hasAnyUser(db);
}
