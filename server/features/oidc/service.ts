import type { AppContext } from '#server/context.ts';
import type { Transaction } from '#server/db/database.ts';
import { Failure } from '#server/failure.ts';
import { authenticate, type Caller } from '#server/features/access/service.ts';
import { hashSecret } from '#server/features/credentials/secret.ts';
import { type StartedSession, startSession } from '#server/features/credentials/service.ts';
import { recordAccount, recordRefusal } from '#server/features/history/service.ts';
import { joinByRules } from '#server/features/organisations/join-service.ts';
import { endEarlier, foundServer, holdSetUp } from '#server/features/sessions/service.ts';
import { addUser, freeUsername, hasUsers, type User } from '#server/features/users/service.ts';
import type { OidcProvider } from '#server/oidc-config.ts';
import { connect } from './identity-service.ts';
import { SignInProblem } from './problem.ts';
import { type Claims, exchange, type Secrets } from './provider.ts';
import { findOwner, insertIdentity, lockIdentity, noteUse, type Owner, type PendingRow } from './store.ts';
import { usernames } from './username.ts';
import { requireWelcome, type Vouched } from './welcome.ts';

/** How often a name that somebody else took in the same moment is chosen anew. */
const ATTEMPTS = 5;

/**
 * Completes what was begun with the answer that the browser brought from the provider.
 *
 * Who it is, is decided by the issuer and its name for them, never by an address: an address can change hands, and a user
 * who has it here has not agreed to be signed in by that provider. Such a user connects the identity when signed in.
 * The first sign-in makes a user without a password, who joins the organisations whose rules say so. On a server without
 * users only whoever brings the one-time token comes in.
 *
 * @param sessionSecret of the session that the browser has: it ends, or is the one in which an identity is connected.
 * @returns the session that begins; null when an identity was connected.
 * @throws SignInProblem
 */
export async function complete(
  app: AppContext,
  provider: OidcProvider,
  { pending, secrets }: { pending: PendingRow; secrets: Secrets },
  callback: URL,
  sessionSecret: string | null,
): Promise<StartedSession | null> {
  const vouched = await welcome(app, provider, await exchange(provider, callback, secrets));
  const earlier = sessionSecret === null ? null : await sessionOf(app, sessionSecret);
  if (pending.userId !== null) {
    // The session may have ended, or have become somebody else's, while the browser was away.
    if (earlier?.userId !== pending.userId) throw new SignInProblem('session_ended');
    await connect(app, earlier, vouched);
    return null;
  }
  for (let attempt = 1; ; attempt++) {
    try {
      return await app.db.transaction(async (tx) => {
        const user = await userOf(tx, app, vouched, pending);
        await endEarlier(tx, app, earlier);
        const session = await startSession(tx, app, user.userId);
        await recordSignIn(tx, app, user, 'account.signed_in', vouched.provider, session.credentialId);
        return session;
      });
    } catch (error) {
      if (!isNameTaken(error) || attempt >= ATTEMPTS) throw problemOf(error);
    }
  }
}

/**
 * What `requireWelcome` says of whom the provider vouches for. That a user is refused is in the record of their account.
 */
async function welcome(app: AppContext, provider: OidcProvider, claims: Claims): Promise<Vouched> {
  try {
    return requireWelcome(provider, claims);
  } catch (error) {
    const owner = await findOwner(app.db, claims.issuer, claims.subject);
    if (owner !== null && error instanceof SignInProblem) {
      recordRefusal(app, owner, {
        kind: 'account.sign_in_refused',
        proof: { kind: 'provider', id: null },
        subject: `user ${owner.username}`,
        after: { provider: provider.id, reason: error.code },
      });
    }
    throw error;
  }
}

async function recordSignIn(
  tx: Transaction,
  app: AppContext,
  { userId, username }: Owner,
  kind: 'account.registered' | 'account.signed_in',
  provider: string,
  credentialId: string | null,
): Promise<void> {
  await recordAccount(
    tx,
    app,
    userId,
    { userId, username },
    {
      kind,
      proof: { kind: 'provider', id: credentialId },
      subject: `user ${username}`,
      after: { provider },
    },
  );
}

/** The browser's session, if it still lets somebody in. */
async function sessionOf(app: AppContext, secret: string): Promise<Caller | null> {
  try {
    const caller = await authenticate(app, hashSecret(secret));
    return caller.credentialKind === 'session' ? caller : null;
  } catch (error) {
    if (error instanceof Failure && error.kind === 'unauthenticated') return null;
    throw error;
  }
}

async function userOf(
  tx: Transaction,
  app: AppContext,
  vouched: Vouched,
  { setUpTokenHash, organisation }: PendingRow,
): Promise<Owner> {
  const now = app.clock.now();
  if (setUpTokenHash !== null && organisation !== null) {
    await holdSetUp(tx, setUpTokenHash);
    const user = await foundServer(tx, app, organisation, await newUser(tx, app, vouched));
    await insertIdentity(tx, app.newId(), user.userId, vouched, now);
    return user;
  }
  await lockIdentity(tx, vouched.issuer, vouched.subject);
  const known = await noteUse(tx, vouched, now);
  if (known !== null) return known;
  // Else the set-up's token would be worth nothing, and nobody an admin.
  if (!(await hasUsers(tx))) throw new SignInProblem('set_up_first');
  const user = await addUser(tx, app, await newUser(tx, app, vouched));
  await insertIdentity(tx, app.newId(), user.userId, vouched, now);
  await joinByRules(tx, app, user, { provider: vouched.provider, emailDomain: vouched.domain });
  await recordSignIn(tx, app, user, 'account.registered', vouched.provider, null);
  return user;
}

/** What a new user is made of: no password, and a name that is free. */
async function newUser(
  tx: Transaction,
  app: AppContext,
  { preferredUsername, email }: Vouched,
): Promise<Pick<User, 'username'> & { email: string; passwordHash: null }> {
  const candidates = usernames(preferredUsername, email, app.newSecret().slice(0, 16));
  return { username: await freeUsername(tx, candidates), email, passwordHash: null };
}

const isTaken = (error: unknown, field: string): boolean =>
  error instanceof Failure &&
  error.kind === 'already_exists' &&
  error.fields.some((problem) => problem.field === field);
const isNameTaken = (error: unknown): boolean => isTaken(error, 'username');

function problemOf(error: unknown): unknown {
  if (!(error instanceof Failure)) return error;
  if (isTaken(error, 'email')) return new SignInProblem('email_taken');
  if (error.kind === 'failed_precondition') return new SignInProblem('set_up_done');
  if (error.kind === 'permission_denied') return new SignInProblem('set_up_token');
  return error;
}
