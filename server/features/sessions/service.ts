import type { AppContext } from '#server/context.ts';
import type { Executor, Transaction } from '#server/db/database.ts';
import { failedPrecondition, permissionDenied } from '#server/failure.ts';
import type { Caller } from '#server/features/access/service.ts';
import { attempt } from '#server/features/attempts/service.ts';
import { tokenAttempt } from '#server/features/attempts/subject.ts';
import { hashSecret } from '#server/features/credentials/secret.ts';
import {
  endCredential,
  endSetUpToken,
  findCredential,
  isSetUpToken,
  issueSetUpToken,
  type StartedSession,
  startSession,
} from '#server/features/credentials/service.ts';
import { recordAccount } from '#server/features/history/service.ts';
import { addOrganisation, listMemberships, type Membership } from '#server/features/organisations/service.ts';
import { hashPassword } from '#server/features/users/password.ts';
import {
  addUser,
  getUser,
  hasUsers,
  lockProof,
  proveUser,
  requireGoodPassword,
  requirePasswords,
  type User,
} from '#server/features/users/service.ts';
import { requestScope } from '#server/request-scope.ts';
import { lockSetUp } from './store.ts';

/** What the screens of a signed-in user need first. */
export interface Session {
  readonly user: User;
  readonly memberships: readonly Membership[];
  /** Null for a personal access token that never expires. */
  readonly expiresAt: Date | null;
}

/** A session that has just started, with the secret for its cookie. */
export interface SignedIn {
  readonly session: Session;
  readonly secret: string;
  readonly expiresAt: Date;
}

/**
 * Signs a browser in and ends the session that it had before (`earlier`). An identifier with an `@` is an email address:
 * usernames cannot contain one.
 * @throws Failure `unauthenticated`, with the same message after the same time for every cause; `resource_exhausted`.
 */
export async function signIn(
  app: AppContext,
  earlier: Caller | null,
  { identifier, password }: { identifier: string; password: string },
): Promise<SignedIn> {
  const value = identifier.trim();
  const key = value.includes('@') ? 'email' : 'username';
  const proven = await proveUser(app, { key, value }, password);
  const started = await app.db.transaction(async (tx) => {
    await lockProof(tx, proven);
    await endEarlier(tx, app, earlier);
    return await startByPassword(tx, app, proven.user);
  });
  return await signedIn(app, proven.user, started);
}

/** Ends the session that a browser had before a new one starts in it; other credentials are left alone. */
export async function endEarlier(tx: Transaction, app: AppContext, earlier: Caller | null): Promise<void> {
  if (earlier?.credentialKind !== 'session') return;
  await endCredential(tx, app, earlier);
  await recordSignOut(tx, app, earlier, { session: earlier.credentialId, reason: 'another sign-in' });
}

async function startByPassword(tx: Transaction, app: AppContext, user: User): Promise<StartedSession> {
  const started = await startSession(tx, app, user.userId);
  const proof = { kind: 'password', id: started.credentialId };
  const after = { session: started.credentialId };
  await recordAccount(tx, app, user.userId, user, { kind: 'account.signed_in', proof, after });
  return started;
}

async function signedIn(app: AppContext, user: User, started: StartedSession): Promise<SignedIn> {
  const { secret, expiresAt } = started;
  const memberships = await listMemberships(app, user.userId);
  return { session: { user, memberships, expiresAt }, secret, expiresAt };
}

/** Ends the browser's session, if there is one; other credentials are left alone. */
export async function signOut(app: AppContext, caller: Caller | null): Promise<void> {
  if (caller?.credentialKind !== 'session') return;
  await app.db.transaction(async (tx) => {
    await endCredential(tx, app, caller);
    await recordSignOut(tx, app, caller, { session: caller.credentialId });
  });
}

async function recordSignOut(
  tx: Transaction,
  app: AppContext,
  caller: Caller,
  before: object,
): Promise<void> {
  const proof = { kind: caller.credentialKind, id: caller.credentialId };
  await recordAccount(tx, app, caller.userId, caller, { kind: 'account.signed_out', proof, before });
}

/**
 * The caller's session (null when signed out), and what a sign-in screen needs to know about the server. Wrong tokens of a set-up
 * are not counted here: guessing one is out of reach, and a read stores nothing.
 */
export async function getSession(app: AppContext, caller: Caller | null, setUpToken: string) {
  const session = await findSession(app, caller);
  const { config } = app;
  const setUpRequired = session === null && !(await hasUsers(app.db));
  return {
    session,
    setUpRequired,
    setUpTokenValid:
      setUpRequired && setUpToken !== '' && (await isSetUpToken(app.db, hashSecret(setUpToken))),
    registrationOpen: config.registration === 'open',
    providers: config.oidcProviders.map(({ id, name }) => ({ provider: id, name })),
    passwordsOff: !config.passwordSignIn,
    tokenMaxDays: config.tokenMaxDays ?? 0,
  };
}

async function findSession(app: AppContext, caller: Caller | null): Promise<Session | null> {
  if (caller === null || caller.credentialKind === 'service') return null;
  const [user, memberships, credential] = await Promise.all([
    getUser(app, caller, { key: 'user_id', value: caller.userId }),
    listMemberships(app, caller.userId),
    findCredential(app, caller.credentialId),
  ]);
  return { user, memberships, expiresAt: credential?.expiresAt ?? null };
}

/** On a server without users, issues a new set-up token; earlier ones end. Null on any other server. */
export async function ensureSetUpToken(app: AppContext): Promise<string | null> {
  return await app.db.transaction(async (tx) => {
    await tx.run(lockSetUp, []);
    return (await hasUsers(tx)) ? null : await issueSetUpToken(tx, app);
  });
}

const wrongToken = () =>
  permissionDenied('The setup link is invalid or was already used. Restart the server to print a new one.');

/**
 * Creates the first user, their organisation and their session. One of two simultaneous set-ups succeeds.
 * @throws Failure `failed_precondition` when the server has users; `permission_denied` for a wrong token;
 *   `resource_exhausted` after too many of them; `invalid_argument` for a password that is easy to guess.
 */
export async function setUp(
  app: AppContext,
  input: { token: string; organisation: string; username: string; email: string; password: string },
): Promise<SignedIn> {
  requirePasswords(app);
  const { organisation, username, email, password } = input;
  const tokenHash = hashSecret(input.token);
  // Checked before the lock, so that unauthenticated callers cannot make the server hash passwords or block a set-up.
  const subject = tokenAttempt(requestScope()?.address ?? null);
  const right = await attempt(app, subject, async () => (await maySetUp(app.db, tokenHash)) || null);
  if (right === null) throw wrongToken();
  requireGoodPassword('password', password, { username, email, organisations: [organisation] });
  const passwordHash = await hashPassword(password, true);
  const { user, started } = await app.db.transaction(async (tx) => {
    await lockSetUpToken(tx, tokenHash);
    const first = await createFirstUser(tx, app, organisation, { username, email, passwordHash });
    return { user: first, started: await startByPassword(tx, app, first) };
  });
  return await signedIn(app, user, started);
}

/**
 * Takes the set-up's lock and checks the token under it.
 * @throws Failure `failed_precondition` when the server has users; `permission_denied` for a wrong token.
 */
export async function lockSetUpToken(tx: Transaction, tokenHash: Buffer): Promise<void> {
  await tx.run(lockSetUp, []);
  if (!(await maySetUp(tx, tokenHash))) throw wrongToken();
}

/** Creates the first user and their organisation, after `lockSetUpToken`. */
export async function createFirstUser(
  tx: Transaction,
  app: AppContext,
  organisation: string,
  input: { username: string; email: string; passwordHash: string | null },
): Promise<User> {
  await endSetUpToken(tx, app);
  const user = await addUser(tx, app, input);
  await addOrganisation(tx, app, user, organisation);
  return user;
}

/** Whether the token is right. @throws Failure `failed_precondition` when the server has users. */
async function maySetUp(db: Executor, tokenHash: Buffer): Promise<boolean> {
  // In this order: when another set-up commits in between, the new users explain the refusal.
  const right = await isSetUpToken(db, tokenHash);
  if (await hasUsers(db)) throw failedPrecondition('This server is already set up. Sign in instead.');
  return right;
}
