import type { AppContext } from '#server/context.ts';
import type { Executor, Transaction } from '#server/db/database.ts';
import { failedPrecondition, permissionDenied } from '#server/failure.ts';
import type { Caller } from '#server/features/access/service.ts';
import { attempt } from '#server/features/attempts/service.ts';
import { tokenAttempt } from '#server/features/attempts/subject.ts';
import { hashSecret } from '#server/features/credentials/secret.ts';
import {
  credentialExpiry,
  endCredential,
  isSetUpToken,
  issueSetUpToken,
  type StartedSession,
  spendSetUpToken,
  startSession,
} from '#server/features/credentials/service.ts';
import { recordAccount } from '#server/features/history/service.ts';
import { addOrganisation, type Membership, membershipsOf } from '#server/features/organisations/service.ts';
import { hashPassword } from '#server/features/users/password.ts';
import {
  addUser,
  getUser,
  hasUsers,
  holdProof,
  proveUser,
  requireGoodPassword,
  requirePasswords,
  type User,
} from '#server/features/users/service.ts';
import { requestScope } from '#server/request-scope.ts';
import { lockSetUp } from './store.ts';

/** What a signed-in person's screens start from. */
export interface Session {
  readonly user: User;
  readonly memberships: readonly Membership[];
  /** Null for a personal access token that never runs out. */
  readonly expiresAt: Date | null;
}

/** A session that has just begun, with the secret for the cookie. */
export interface BegunSession extends Session {
  readonly secret: string;
}

/**
 * Signs a browser in. An identifier with an `@` is an email address: usernames cannot contain one. A session that the
 * browser had before (`earlier`) ends.
 * @throws Failure `unauthenticated`, in the same words and time whatever was wrong; `resource_exhausted` after too many failures.
 */
export async function signIn(
  app: AppContext,
  earlier: Caller | null,
  input: { identifier: string; password: string },
): Promise<BegunSession> {
  const value = input.identifier.trim();
  const proven = await proveUser(
    app,
    { key: value.includes('@') ? 'email' : 'username', value },
    input.password,
  );
  const started = await app.db.transaction(async (tx) => {
    await holdProof(tx, proven);
    await endEarlier(tx, app, earlier);
    const session = await startSession(tx, app, proven.user.userId);
    await recordSignIn(tx, app, proven.user, session);
    return session;
  });
  return await begun(app, proven.user, started);
}

/** Ends the session that a browser had before another one begins in it; anything else is left alone. */
export async function endEarlier(tx: Transaction, app: AppContext, earlier: Caller | null): Promise<void> {
  if (earlier?.credentialKind !== 'session') return;
  await endCredential(tx, app, earlier);
  await recordSignOut(tx, app, earlier, { session: earlier.credentialId, reason: 'another sign-in' });
}

async function begun(app: AppContext, user: User, started: StartedSession): Promise<BegunSession> {
  const memberships = await membershipsOf(app, user.userId);
  return { user, memberships, expiresAt: started.expiresAt, secret: started.secret };
}

/** Ends the browser's session; without one there is nothing to do. Other kinds of credentials are left alone. */
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

async function recordSignIn(
  tx: Transaction,
  app: AppContext,
  user: User,
  { credentialId }: StartedSession,
): Promise<void> {
  const proof = { kind: 'password', id: credentialId };
  const after = { session: credentialId };
  await recordAccount(tx, app, user.userId, user, { kind: 'account.signed_in', proof, after });
}

/** Who is signed in (null: nobody), and what a sign-in page has to know about the server. */
export async function getSession(
  app: AppContext,
  caller: Caller | null,
): Promise<{ session: Session | null; setUpRequired: boolean; registrationOpen: boolean }> {
  const registrationOpen = app.config.registration === 'open';
  // Whoever is signed in is a user: no need to look for others. A service account never signs in.
  if (caller === null || caller.credentialKind === 'service') {
    return { session: null, setUpRequired: !(await hasUsers(app.db)), registrationOpen };
  }
  const [user, memberships, expiresAt] = await Promise.all([
    getUser(app, caller, { key: 'user_id', value: caller.userId }),
    membershipsOf(app, caller.userId),
    credentialExpiry(app, caller.credentialId),
  ]);
  return { session: { user, memberships, expiresAt }, setUpRequired: false, registrationOpen };
}

/**
 * On a server without users, makes a fresh one-time token for the set-up, which ends earlier ones; else null.
 * Called at start, so that whoever reads the server's output can set it up.
 */
export async function ensureSetUpToken(app: AppContext): Promise<string | null> {
  return await app.db.transaction(async (tx) => {
    await lockSetUp(tx);
    return (await hasUsers(tx)) ? null : await issueSetUpToken(tx, app);
  });
}

const ALREADY = 'this server is set up already: sign in instead';
const WRONG_TOKEN = 'the set-up token is wrong or spent: the server prints a new one when it starts';

/**
 * Makes the first user, their organisation and their session on a server without users. Of two at once one wins.
 * @throws Failure `failed_precondition` when there are users; `permission_denied` for a wrong token; `resource_exhausted`
 *   after too many of them; `invalid_argument` for a password that is easy to guess.
 */
export async function setUp(
  app: AppContext,
  input: { token: string; organisation: string; username: string; email: string; password: string },
): Promise<BegunSession> {
  requirePasswords(app);
  const tokenHash = hashSecret(input.token);
  // First without the lock, so that strangers cannot make the server hash passwords or queue for it.
  const subject = tokenAttempt(requestScope()?.address ?? null);
  const right = await attempt(app, subject, async () => (await mayBeSetUp(app.db, tokenHash)) || null);
  if (right === null) throw permissionDenied(WRONG_TOKEN);
  const organisations = [input.organisation];
  requireGoodPassword('password', input.password, { ...input, organisations });
  const passwordHash = await hashPassword(input.password);
  const { user, started } = await app.db.transaction(async (tx) => {
    await holdSetUp(tx, tokenHash);
    const { username, email } = input;
    const made = await foundServer(tx, app, input.organisation, { username, email, passwordHash });
    const session = await startSession(tx, app, made.userId);
    await recordSignIn(tx, app, made, session);
    return { user: made, started: session };
  });
  return await begun(app, user, started);
}

/**
 * Lets one set-up at a time go on with the token of that hash, until the transaction ends.
 * @throws Failure `failed_precondition` when there are users; `permission_denied` for a wrong token.
 */
export async function holdSetUp(tx: Transaction, tokenHash: Buffer): Promise<void> {
  await lockSetUp(tx);
  if (!(await mayBeSetUp(tx, tokenHash))) throw permissionDenied(WRONG_TOKEN);
}

/** Makes the first user and their organisation, and spends the token that `holdSetUp` has checked. */
export async function foundServer(
  tx: Transaction,
  app: AppContext,
  organisation: string,
  input: { username: string; email: string; passwordHash: string | null },
): Promise<User> {
  await spendSetUpToken(tx, app);
  const user = await addUser(tx, app, input);
  await addOrganisation(tx, app, user, organisation);
  return user;
}

/** Whether that is the token. @throws Failure `failed_precondition` when there are users. */
async function mayBeSetUp(db: Executor, tokenHash: Buffer): Promise<boolean> {
  // The token is read before the users: should another set-up finish in between, its users explain the refusal.
  const right = await isSetUpToken(db, tokenHash);
  if (await hasUsers(db)) throw failedPrecondition(ALREADY);
  return right;
}
