import type { AppContext } from '#server/context.ts';
import type { Transaction } from '#server/db/database.ts';
import { Failure } from '#server/failure.ts';
import { authenticate, type Caller } from '#server/features/access/service.ts';
import { hashSecret } from '#server/features/credentials/secret.ts';
import { type StartedSession, startSession } from '#server/features/credentials/service.ts';
import { recordAccount, recordRefusal } from '#server/features/history/service.ts';
import { joinByRules } from '#server/features/organisations/join-rules-service.ts';
import { createFirstUser, endEarlier, lockSetUpToken } from '#server/features/sessions/service.ts';
import { addUser, freeUsername, hasUsers } from '#server/features/users/service.ts';
import type { OidcProvider } from '#server/oidc-config.ts';
import { requireAllowed, usernames, type VerifiedIdentity } from './claims.ts';
import { connectIdentity } from './identity-service.ts';
import { SignInProblem } from './problem.ts';
import { type Claims, exchange, type Secrets } from './provider.ts';
import {
  findOwner,
  insertIdentity,
  lockIdentity,
  type Owner,
  type PendingRow,
  touchIdentity,
} from './store.ts';

/** How often another username is chosen when a simultaneous request took the first one. */
const ATTEMPTS = 5;

/**
 * Completes a pending sign-in with the provider's response that the browser brought.
 *
 * The issuer and its subject identify a user, never an address: an address can change hands, and its user here has not agreed
 * to sign in with that provider. They connect the identity while signed in. The first sign-in creates a user without a
 * password, who joins organisations by their rules. On a server without users only the set-up token admits anyone.
 *
 * @param sessionSecret of the browser's session: it is replaced, or gets the identity.
 * @returns the new session; null when an identity was connected.
 * @throws SignInProblem
 */
export async function completeSignIn(
  app: AppContext,
  provider: OidcProvider,
  { pending, secrets }: { pending: PendingRow; secrets: Secrets },
  callback: URL,
  sessionSecret: string | null,
): Promise<StartedSession | null> {
  const identity = await verifyIdentity(app, provider, await exchange(provider, callback, secrets));
  const earlier = sessionSecret === null ? null : await findSession(app, sessionSecret);
  if (pending.userId !== null) {
    // The session may have ended, or be another user's, since the browser left for the provider.
    if (earlier?.userId !== pending.userId) throw new SignInProblem('session_ended');
    await connectIdentity(app, earlier, identity);
    return null;
  }
  for (let attempt = 1; ; attempt++) {
    try {
      return await app.db.transaction(async (tx) => {
        const user = await findOrCreateUser(tx, app, identity, pending);
        await endEarlier(tx, app, earlier);
        const session = await startSession(tx, app, user.userId);
        await recordSignIn(tx, app, user, 'account.signed_in', identity.provider, session.credentialId);
        return session;
      });
    } catch (error) {
      if (!isTaken(error, 'username') || attempt >= ATTEMPTS) throw problemOf(error);
    }
  }
}

/** `requireAllowed`, whose refusal of an existing user is recorded in the history. */
async function verifyIdentity(
  app: AppContext,
  provider: OidcProvider,
  claims: Claims,
): Promise<VerifiedIdentity> {
  try {
    return requireAllowed(provider, claims);
  } catch (error) {
    const [owner] = await app.db.run(findOwner, [claims.issuer, claims.subject]);
    if (owner !== undefined && error instanceof SignInProblem) {
      recordRefusal(app, owner, {
        kind: 'account.sign_in_refused',
        proof: { kind: 'provider', id: null },
        after: { provider: provider.id, reason: error.code },
      });
    }
    throw error;
  }
}

async function recordSignIn(
  tx: Transaction,
  app: AppContext,
  user: Owner,
  kind: 'account.registered' | 'account.signed_in',
  provider: string,
  credentialId: string | null,
): Promise<void> {
  const proof = { kind: 'provider', id: credentialId };
  await recordAccount(tx, app, user.userId, user, { kind, proof, after: { provider } });
}

/** The caller of the browser's session, if it is still valid. */
async function findSession(app: AppContext, secret: string): Promise<Caller | null> {
  try {
    const caller = await authenticate(app, hashSecret(secret));
    return caller.credentialKind === 'session' ? caller : null;
  } catch (error) {
    if (error instanceof Failure && error.kind === 'unauthenticated') return null;
    throw error;
  }
}

async function findOrCreateUser(
  tx: Transaction,
  app: AppContext,
  identity: VerifiedIdentity,
  { setUpTokenHash, organisation }: PendingRow,
): Promise<Owner> {
  const { issuer, subject, provider, email, domain, preferredUsername } = identity;
  const now = app.clock.now();
  const newUser = async () => {
    const candidates = usernames(preferredUsername, email, app.newSecret().slice(0, 16));
    return { username: await freeUsername(tx, candidates), email, passwordHash: null };
  };
  const connect = ({ userId }: Owner) =>
    tx.run(insertIdentity, [app.newId(), userId, issuer, subject, provider, email, now]);
  if (setUpTokenHash !== null && organisation !== null) {
    await lockSetUpToken(tx, setUpTokenHash);
    const first = await createFirstUser(tx, app, organisation, await newUser());
    await connect(first);
    return first;
  }
  await tx.run(lockIdentity, [issuer, subject]);
  const [owner] = await tx.run(touchIdentity, [issuer, subject, provider, email, now]);
  if (owner !== undefined) return owner;
  // A first user without the set-up token would make it useless, and leave the server without an admin.
  if (!(await hasUsers(tx))) throw new SignInProblem('set_up_first');
  const user = await addUser(tx, app, await newUser());
  await connect(user);
  await joinByRules(tx, app, user, { provider, emailDomain: domain });
  await recordSignIn(tx, app, user, 'account.registered', provider, null);
  return user;
}

const isTaken = (error: unknown, field: string): boolean =>
  error instanceof Failure &&
  error.kind === 'already_exists' &&
  error.fields.some((problem) => problem.field === field);

function problemOf(error: unknown): unknown {
  if (!(error instanceof Failure)) return error;
  if (isTaken(error, 'email')) return new SignInProblem('email_taken');
  if (error.kind === 'failed_precondition') return new SignInProblem('set_up_done');
  if (error.kind === 'permission_denied') return new SignInProblem('set_up_token');
  return error;
}
