import type { AppContext } from '#server/context.ts';
import { type Executor, isUniqueViolation, type Transaction } from '#server/db/database.ts';
import { Failure, failedPrecondition, invalid, notFound, permissionDenied } from '#server/failure.ts';
import type { Caller } from '#server/features/access/service.ts';
import { attempt } from '#server/features/attempts/service.ts';
import { ownPasswordAttempt, signInAttempt } from '#server/features/attempts/subject.ts';
import { renewSession } from '#server/features/credentials/logins.ts';
import {
  endOtherLogins,
  type IssuedTokens,
  issueTokens,
  type StartedSession,
} from '#server/features/credentials/service.ts';
import { recordAccount, recordRefusal } from '#server/features/history/service.ts';
import { isAdminSomewhere, membershipsOf } from '#server/features/organisations/service.ts';
import { requestScope } from '#server/request-scope.ts';
import type { Page } from '#server/rpc/page.ts';
import { hashPassword, verifyPassword } from './password.ts';
import { type PasswordOwner, passwordProblem } from './password-rule.ts';
import {
  countSharedUsers,
  findForLogin,
  findTakenNames,
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

/** What the record calls the server itself, in lower case: nobody new is to pass for it. */
const RESERVED: ReadonlySet<string> = new Set(['forage']);

/**
 * Creates a user within somebody's transaction (registration, set-up, a demo's making). `email` '' means none.
 * Without a password the user signs in by a provider.
 * @throws Failure `already_exists`, naming the field, when the username or address is taken in upper or lower case; so is
 *   the name of the server itself.
 */
export async function addUser(
  tx: Transaction,
  app: AppContext,
  input: { username: string; email: string; passwordHash: string | null },
): Promise<User> {
  const { username, passwordHash } = input;
  if (RESERVED.has(username.toLowerCase())) throw taken('username', username);
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

/** The first of the names that nobody has, in upper or lower case; the last when all are taken. */
export async function freeUsername(tx: Transaction, candidates: readonly string[]): Promise<string> {
  const names = candidates.map((name) => name.toLowerCase());
  const taken = new Set([...RESERVED, ...(await findTakenNames(tx, names))]);
  return candidates.find((name) => !taken.has(name.toLowerCase())) ?? candidates.at(-1) ?? '';
}

/**
 * Requires that passwords let people in on this server.
 * @throws Failure `failed_precondition`, in words that name what does.
 */
export function requirePasswords(app: AppContext): void {
  if (app.config.passwordSignIn) return;
  const names = app.config.oidcProviders.map(({ name }) => name).join(' or ');
  throw failedPrecondition(`passwords are switched off on this server: sign in with ${names} in the browser`);
}

function taken(field: 'username' | 'email', value: string): Failure {
  const fields = [{ field, message: 'is taken' }];
  return new Failure('already_exists', `the ${field} "${value}" is taken`, { fields });
}

/**
 * Registers a user, who belongs to no organisation yet. Where registration is open everybody may, and is logged in by it;
 * where it is closed an admin of an organisation may, for somebody else, who then logs in with what the admin tells them.
 * @throws Failure `permission_denied` to others, and to access tokens; `already_exists`.
 */
export async function register(
  app: AppContext,
  caller: Caller | null,
  input: { username: string; email: string; password: string },
): Promise<{ user: User; tokens: IssuedTokens | null }> {
  requirePasswords(app);
  const open = app.config.registration === 'open';
  // Whoever holds somebody's access token must not make themselves another way in.
  const admin = caller?.credentialKind === 'personal' ? null : caller;
  if (!open && !(admin !== null && (await isAdminSomewhere(app, admin)))) {
    throw permissionDenied('registration is closed on this server: ask an admin of your organisation');
  }
  requireGoodPassword('password', input.password, input);
  const passwordHash = await hashPassword(input.password);
  return await app.db.transaction(async (tx) => {
    const { username, email } = input;
    const user = await addUser(tx, app, { username, email, passwordHash });
    const tokens = open ? await issueTokens(tx, app, user.userId, null) : null;
    await recordAccount(tx, app, user.userId, admin ?? user, { kind: 'account.registered' });
    return { user, tokens };
  });
}

/**
 * Checks a password. Takes the same time and fails with the same words whether or not the user exists.
 * @throws Failure `unauthenticated`; `resource_exhausted` after too many failures, with when to try again.
 */
export async function proveUser(
  app: AppContext,
  { key, value }: UserIdentifier,
  password: string,
): Promise<ProvenUser> {
  requirePasswords(app);
  const subject = signInAttempt(value, requestScope()?.address ?? null);
  const proven = await attempt(app, subject, () =>
    provenBy(app, { key, value }, password, 'account.sign_in_refused'),
  );
  if (proven === null) throw new Failure('unauthenticated', WRONG);
  return proven;
}

/** The user, if that is their password; null for a wrong one, which their record keeps, and, after the same work, for nobody. */
async function provenBy(
  app: AppContext,
  { key, value }: UserIdentifier,
  password: string,
  refused: 'account.sign_in_refused' | 'account.password_change_refused',
): Promise<ProvenUser | null> {
  const row = await findForLogin(app.db, key, value);
  const right = await verifyPassword(row?.passwordHash ?? null, password);
  if (!right || row?.passwordHash == null) {
    const proof = { kind: 'password', id: null };
    if (row !== null) recordRefusal(app, row, { kind: refused, proof, after: { reason: 'wrong password' } });
    return null;
  }
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
    const issued = await issueTokens(tx, app, proven.user.userId, null);
    const proof = { kind: 'password', id: issued.loginId };
    const after = { login: issued.loginId };
    await recordAccount(tx, app, proven.user.userId, proven.user, {
      kind: 'account.signed_in',
      proof,
      after,
    });
    return issued;
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
 * Changes the caller's own password and ends their other sessions and logins; personal access tokens live on. A browser's
 * session goes on with a new secret, which is given back; null for other credentials.
 * @throws Failure `permission_denied` for somebody else's; `invalid_argument` at `current_password` when that is wrong, and
 *   at `new_password` for one that is easy to guess; `resource_exhausted` after too many failures.
 */
export async function changePassword(
  app: AppContext,
  caller: Caller,
  input: { userId: string; currentPassword: string; newPassword: string },
): Promise<StartedSession | null> {
  requireOwn(caller, input.userId, 'change the password of');
  requirePasswords(app);
  const { userId } = caller;
  const wrong = invalid({ field: 'current_password', message: 'is not your current password' });
  const subject = ownPasswordAttempt(userId, requestScope()?.address ?? null);
  const identifier = { key: 'user_id', value: userId } as const;
  const proven = await attempt(app, subject, () =>
    provenBy(app, identifier, input.currentPassword, 'account.password_change_refused'),
  );
  if (proven === null) throw wrong;
  const { user, passwordHash: from } = proven;
  const organisations = (await membershipsOf(app, userId)).map(({ name }) => name);
  requireGoodPassword('new_password', input.newPassword, { ...user, organisations });
  if (await verifyPassword(from, input.newPassword))
    throw invalid({ field: 'new_password', message: 'is your current password: choose another' });
  const to = await hashPassword(input.newPassword);
  return await app.db.transaction(async (tx) => {
    if (!(await replacePassword(tx, userId, from, to, app.clock.now()))) throw wrong;
    await endOtherLogins(tx, app, userId, caller.credentialId);
    const renewed = await renewSession(tx, app, caller);
    await recordAccount(tx, app, userId, caller, {
      kind: 'account.password_changed',
      // The browser's further deeds are recorded with this one.
      after: renewed && { session: renewed.credentialId },
    });
    return renewed;
  });
}

/**
 * Requires a new password that is not easy to guess for whoever knows the commonest ones and whose it is.
 * @throws Failure `invalid_argument` at the field.
 */
export function requireGoodPassword(field: string, password: string, owner: PasswordOwner): void {
  const message = passwordProblem(password, owner);
  if (message !== null) throw invalid({ field, message });
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
