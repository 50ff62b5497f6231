import type { AppContext } from '#server/context.ts';
import { type Executor, isUniqueViolation, type Transaction } from '#server/db/database.ts';
import { Failure, failedPrecondition, invalid, notFound, permissionDenied } from '#server/failure.ts';
import type { Caller } from '#server/features/access/service.ts';
import { attempt, countRegistration } from '#server/features/attempts/service.ts';
import { ownPasswordAttempt, signInAttempt } from '#server/features/attempts/subject.ts';
import { renewSession } from '#server/features/credentials/logins.ts';
import {
  endLogins,
  type IssuedTokens,
  issueTokens,
  revokeLogins,
  rotateRefreshToken,
  type StartedSession,
} from '#server/features/credentials/service.ts';
import { appendAccount, recordAccount, recordRefusal } from '#server/features/history/service.ts';
import { isAdminSomewhere, listMemberships } from '#server/features/organisations/service.ts';
import { requestScope } from '#server/request-scope.ts';
import { nextPageToken, type Page } from '#server/wire/pages.ts';
import { hashPassword, requireRoomForPassword, verifyPassword } from './password.ts';
import { type PasswordOwner, passwordProblem } from './password-rule.ts';
import * as store from './store.ts';

export type User = store.UserRow;

/** Names a user by exactly one of the keys. */
export interface UserIdentifier {
  readonly key: store.UserKey;
  readonly value: string;
}

/** A user who has entered their password. */
export interface ProvenUser {
  readonly user: User;
  readonly passwordHash: string;
}

// One message for every cause: it must not reveal which users exist.
const wrongPassword = () => new Failure('unauthenticated', 'Wrong username, email or password');

/** The server's own name in the history, in lower case: no user may take it. */
const RESERVED: ReadonlySet<string> = new Set(['forage']);

/**
 * Creates a user in the caller's transaction. `email` '' means none; `passwordHash` null means sign-in by a provider only.
 * @throws Failure `already_exists`, naming the field, when the username or address is taken, ignoring case, or reserved.
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
    await tx.run(store.insertUser, [userId, username, email, passwordHash, now]);
  } catch (error) {
    if (isUniqueViolation(error, 'users_username')) throw taken('username', username);
    if (isUniqueViolation(error, 'users_email')) throw taken('email', input.email);
    throw error;
  }
  return { userId, username, email, profilePictureUrl: null, createdAt: now, updatedAt: now };
}

function taken(field: 'username' | 'email', value: string): Failure {
  const fields = [{ field, message: 'is taken' }];
  return new Failure('already_exists', `The ${field} "${value}" is taken`, { fields });
}

/** The first of the names that is free, ignoring case; the last one when all are taken. */
export async function freeUsername(tx: Transaction, candidates: readonly string[]): Promise<string> {
  const names = candidates.map((name) => name.toLowerCase());
  const rows = await tx.run(store.findTakenNames, [names]);
  const unavailable = new Set([...RESERVED, ...rows.map(({ name }) => name)]);
  return candidates.find((name) => !unavailable.has(name.toLowerCase())) ?? candidates.at(-1) ?? '';
}

/** @throws Failure `failed_precondition` when this server allows sign-in by providers only. */
export function requirePasswords(app: AppContext): void {
  if (app.config.passwordSignIn) return;
  const names = app.config.oidcProviders.map(({ name }) => name).join(' or ');
  throw failedPrecondition(`Passwords are disabled on this server. Sign in with ${names} in the browser.`);
}

/**
 * Registers a user, who belongs to no organisation yet. With open registration anyone may, and is logged in. With closed
 * registration an admin of any organisation registers other people, who then log in with the password they are given.
 * @throws Failure `permission_denied`, also for access tokens; `already_exists`; `resource_exhausted` with the time to wait after
 *   too many registrations from one network, where registration is open.
 */
export async function register(
  app: AppContext,
  caller: Caller | null,
  { username, email, password }: { username: string; email: string; password: string },
): Promise<{ user: User; tokens: IssuedTokens | null }> {
  requirePasswords(app);
  const open = app.config.registration === 'open';
  // A stolen access token must not create another way to sign in.
  const admin = caller?.credentialKind === 'personal' ? null : caller;
  if (!open && !(admin !== null && (await isAdminSomewhere(app, admin))))
    throw permissionDenied('Registration is closed on this server. Ask an admin of your organisation.');
  requireRoomForPassword(admin !== null);
  if (open) await countRegistration(app, requestScope()?.address ?? null);
  requireGoodPassword('password', password, { username, email });
  // Before the password is hashed: a taken name must not cost that.
  await requireFree(app, username, email);
  const passwordHash = await hashPassword(password, admin !== null);
  return await app.db.transaction(async (tx) => {
    const user = await addUser(tx, app, { username, email, passwordHash });
    const tokens = open ? await issueTokens(tx, app, user.userId, null) : null;
    await recordAccount(tx, app, user.userId, admin ?? user, { kind: 'account.registered' });
    return { user, tokens };
  });
}

/** @throws Failure `already_exists`, naming the field, when the username or address is taken, ignoring case, or reserved. */
async function requireFree(app: AppContext, username: string, email: string): Promise<void> {
  const [found] = await app.db.run(store.findTaken, [username, email]);
  if (found?.username === true || RESERVED.has(username.toLowerCase())) throw taken('username', username);
  if (found?.email === true) throw taken('email', email);
}

/**
 * Checks a password. The time and the message are the same whether or not the user exists.
 * @throws Failure `unauthenticated`; `resource_exhausted` after too many failures, with the time to wait.
 */
export async function proveUser(
  app: AppContext,
  identifier: UserIdentifier,
  password: string,
): Promise<ProvenUser> {
  requirePasswords(app);
  const subject = signInAttempt(identifier.value, requestScope()?.address ?? null);
  const check = (known: boolean) =>
    checkPassword(app, identifier, password, known, 'account.sign_in_refused');
  const proven = await attempt(app, subject, check, requireRoomForPassword);
  if (proven === null) throw wrongPassword();
  return proven;
}

/** Null for a wrong password, which is recorded as `refused`, and, after the same work, for an unknown user. */
async function checkPassword(
  app: AppContext,
  { key, value }: UserIdentifier,
  password: string,
  known: boolean,
  refused: 'account.sign_in_refused' | 'account.password_change_refused',
): Promise<ProvenUser | null> {
  const [row] = await app.db.run(store.findLoginBy[key], [value]);
  const right = await verifyPassword(row?.passwordHash ?? null, password, known);
  if (row === undefined) return null;
  const { passwordHash, ...user } = row;
  if (right && passwordHash !== null) return { user, passwordHash };
  const proof = { kind: 'password', id: null };
  recordRefusal(app, user, { kind: refused, proof, after: { reason: 'wrong password' } });
  return null;
}

/**
 * Checks in the transaction of a sign-in that the password has not been changed since it was proven, and keeps it until
 * the transaction ends.
 * @throws Failure `unauthenticated`.
 */
export async function lockProof(tx: Transaction, { user, passwordHash }: ProvenUser): Promise<void> {
  if ((await tx.run(store.lockPassword, [user.userId, passwordHash])).length === 0) throw wrongPassword();
}

/** Logs in a client other than a browser. @throws Failure `unauthenticated`, `resource_exhausted`. */
export async function login(
  app: AppContext,
  identifier: UserIdentifier,
  password: string,
): Promise<{ user: User; tokens: IssuedTokens }> {
  const proven = await proveUser(app, identifier, password);
  const { user } = proven;
  const tokens = await app.db.transaction(async (tx) => {
    await lockProof(tx, proven);
    const issued = await issueTokens(tx, app, user.userId, null);
    const proof = { kind: 'password', id: issued.loginId };
    const after = { login: issued.loginId };
    await recordAccount(tx, app, user.userId, user, { kind: 'account.signed_in', proof, after });
    return issued;
  });
  return { user, tokens };
}

/** Exchanges a refresh token. Logins began with a password, so they must not be extended once passwords are disabled. */
export async function refreshLogin(app: AppContext, refreshToken: string): Promise<IssuedTokens> {
  requirePasswords(app);
  return await rotateRefreshToken(app, refreshToken);
}

/**
 * A user, by exact id, name or address, if the caller may see them (`findVisibleBy`).
 * @throws Failure `not_found`.
 */
export async function getUser(
  app: AppContext,
  caller: Caller,
  { key, value }: UserIdentifier,
): Promise<User> {
  const [user] = await app.db.run(store.findVisibleBy[key], [value, caller.userId]);
  if (user === undefined) throw notFound(key === 'user_id' ? `User ${value}` : `User "${value}"`);
  return user;
}

/**
 * A page of the caller and the members of their organisations, by username, and how many there are in all.
 * @param search part of the username; '' means all.
 */
export async function listUsers(app: AppContext, { userId }: Caller, search: string, page: Page) {
  const params = [userId, search, page.after?.[0] ?? null, page.limit + 1] as const;
  const users = await app.db.run(store.listVisible, params);
  const [counted] = await app.db.run(store.countVisible, [userId, search]);
  return {
    ...nextPageToken(users, page.limit, ({ username }) => [username]),
    totalCount: counted?.count ?? 0,
  };
}

/**
 * Changes the caller's password and ends their other logins; access tokens keep working. A browser's session continues with
 * a new secret, which is returned; null for other credentials.
 * @throws Failure `permission_denied` for another user; `invalid_argument` at `current_password` when it is wrong, and at
 *   `new_password` when it is easy to guess; `resource_exhausted` after too many failures.
 */
export async function changePassword(
  app: AppContext,
  caller: Caller,
  input: { userId: string; currentPassword: string; newPassword: string },
): Promise<StartedSession | null> {
  requireOwn(caller, input.userId, 'change the password of');
  requirePasswords(app);
  const { userId, credentialId } = caller;
  const wrong = invalid({ field: 'current_password', message: 'is not your current password' });
  const subject = ownPasswordAttempt(userId, requestScope()?.address ?? null);
  const identifier = { key: 'user_id', value: userId } as const;
  const proven = await attempt(app, subject, () =>
    checkPassword(app, identifier, input.currentPassword, true, 'account.password_change_refused'),
  );
  if (proven === null) throw wrong;
  const { user, passwordHash: from } = proven;
  const organisations = (await listMemberships(app, userId)).map(({ name }) => name);
  requireGoodPassword('new_password', input.newPassword, { ...user, organisations });
  if (await verifyPassword(from, input.newPassword, true))
    throw invalid({ field: 'new_password', message: 'must differ from your current password' });
  const to = await hashPassword(input.newPassword, true);
  return await app.db.transaction(async (tx) => {
    if ((await tx.run(store.replacePassword, [userId, from, to, app.clock.now()])).length === 0) throw wrong;
    await endLogins(tx, app, userId, credentialId);
    const renewed = await renewSession(tx, app, caller);
    await recordAccount(tx, app, userId, caller, {
      kind: 'account.password_changed',
      // The browser's later entries have this credential.
      after: renewed && { session: renewed.credentialId },
    });
    return renewed;
  });
}

/**
 * Sets a user's password and ends their logins; access tokens and identities keep working. For operators with access to the
 * database: no method of the API calls it. `tx` is one transaction.
 * @throws Failure `not_found`.
 */
export async function resetPassword(
  tx: Executor,
  username: string,
  password: string,
  now: Date,
): Promise<void> {
  const [user] = await tx.run(store.setPassword, [username, await hashPassword(password, true), now]);
  if (user === undefined) throw notFound(`User "${username}"`);
  await revokeLogins(tx, user.id, null, now);
  const entry = { kind: 'account.password_reset', proof: { kind: 'command', id: null } } as const;
  await appendAccount(tx, user.id, entry, now);
}

/** @throws Failure `invalid_argument` at the field when the password is easy to guess. */
export function requireGoodPassword(field: string, password: string, owner: PasswordOwner): void {
  const message = passwordProblem(password, owner);
  if (message !== null) throw invalid({ field, message });
}

/**
 * Requires that a request is about the caller's own user; '' means the caller.
 * @throws Failure `permission_denied`, which does not reveal whether the other user exists.
 */
export function requireOwn(caller: Caller, userId: string, action: string): void {
  if (userId !== '' && userId.toLowerCase() !== caller.userId)
    throw permissionDenied(`You can only ${action} your own user`);
}

/** Whether this server has any user: without one it needs to be set up. */
export async function hasUsers(db: Executor): Promise<boolean> {
  return (await db.run(store.hasUsers, []))[0]?.any ?? false;
}
