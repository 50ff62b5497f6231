import type { AppContext } from '#server/context.ts';
import type { Executor, Transaction } from '#server/db/database.ts';
import { Failure, failedPrecondition, notFound, permissionDenied } from '#server/failure.ts';
import { type Caller, isCredentialActive, unauthenticated } from '#server/features/access/service.ts';
import { findCredential } from '#server/features/credentials/service.ts';
import { recordAccount } from '#server/features/history/service.ts';
import { LIMITS } from '#server/limits.ts';
import type { VerifiedIdentity } from './claims.ts';
import { beginSignIn, type PendingSignIn, providerOf } from './pending-service.ts';
import { SignInProblem } from './problem.ts';
import * as store from './store.ts';

export type Identity = store.IdentityRow;

/** How recent a session must be to connect an identity. */
const MAX_SESSION_AGE_MS = 10 * 60_000;

/** How the caller can sign in: their identities, oldest first, and whether they have a password that is accepted. */
export async function listCredentials(
  app: AppContext,
  { userId }: Caller,
): Promise<{ identities: Identity[]; hasPassword: boolean }> {
  const identities = await app.db.run(store.listIdentities, [userId]);
  return { identities, hasPassword: await hasUsablePassword(app, app.db, userId) };
}

async function hasUsablePassword(app: AppContext, db: Executor, userId: string): Promise<boolean> {
  return app.config.passwordSignIn && ((await db.run(store.hasPassword, [userId]))[0]?.any ?? false);
}

/**
 * Begins to connect a provider's identity to the caller.
 * @throws Failure `permission_denied` unless the request came with a browser's session; `failed_precondition` when it began
 *   more than ten minutes ago; `not_found` for an unknown provider; `unavailable`; `resource_exhausted`.
 */
export async function beginConnecting(
  app: AppContext,
  caller: Caller,
  providerId: string,
): Promise<PendingSignIn> {
  requireSession(caller);
  const session = await findCredential(app, caller.credentialId);
  if (session === null || app.clock.now().getTime() - session.createdAt.getTime() > MAX_SESSION_AGE_MS)
    throw failedPrecondition(
      'Sign in again first. Connecting requires a sign-in within the last 10 minutes.',
    );
  try {
    const provider = providerOf(app, providerId);
    return await beginSignIn(app, provider, { kind: 'connect', userId: caller.userId }, '/account');
  } catch (error) {
    throw error instanceof SignInProblem ? failureOf(error, providerId) : error;
  }
}

function failureOf(problem: SignInProblem, provider: string): unknown {
  if (problem.code === 'unknown_provider') return notFound(`Provider "${provider}"`);
  if (problem.code === 'provider_away')
    return new Failure('unavailable', `Can't reach the provider "${provider}". Try again later.`);
  if (problem.code === 'busy')
    return new Failure('resource_exhausted', 'Too many sign-ins are pending. Try again in 10 minutes.');
  return problem;
}

/** A stolen token must neither add a way to sign in nor remove the owner's. */
function requireSession(caller: Caller): void {
  if (caller.credentialKind !== 'session')
    throw permissionDenied('Identities can only be changed in the browser. Sign in there.');
}

/**
 * Connects an identity to the caller; without effect when it is connected already.
 * @throws SignInProblem `identity_taken`, `too_many_identities`, `session_ended`.
 */
export async function connectIdentity(
  app: AppContext,
  caller: Caller,
  identity: VerifiedIdentity,
): Promise<void> {
  const { issuer, subject, provider, email } = identity;
  const { userId } = caller;
  await app.db.transaction(async (tx) => {
    const now = app.clock.now();
    await tx.run(store.lockIdentity, [issuer, subject]);
    await tx.run(store.lockUser, [userId]);
    if (!(await isCredentialActive(tx, app, caller))) throw new SignInProblem('session_ended');
    const [owner] = await tx.run(store.touchIdentity, [issuer, subject, provider, email, now]);
    if (owner?.userId === userId) return;
    if (owner !== undefined) throw new SignInProblem('identity_taken');
    if ((await tx.run(store.listIdentities, [userId])).length >= LIMITS.identitiesPerUser)
      throw new SignInProblem('too_many_identities');
    await tx.run(store.insertIdentity, [app.newId(), userId, issuer, subject, provider, email, now]);
    await recordIdentity(tx, app, caller, 'account.identity_connected', { after: { provider, email } });
  });
}

/**
 * Disconnects one of the caller's identities.
 * @throws Failure `permission_denied` unless the request came with a browser's session; `not_found`; `failed_precondition`
 *   for the only way to sign in.
 */
export async function disconnectIdentity(app: AppContext, caller: Caller, identityId: string): Promise<void> {
  requireSession(caller);
  const { userId } = caller;
  const configured = new Set(app.config.oidcProviders.map(({ id }) => id));
  await app.db.transaction(async (tx) => {
    await tx.run(store.lockUser, [userId]);
    if (!(await isCredentialActive(tx, app, caller))) throw unauthenticated();
    const all = await tx.run(store.listIdentities, [userId]);
    const identity = all.find((one) => one.identityId === identityId.toLowerCase());
    if (identity === undefined) throw notFound(`Identity ${identityId}`);
    const hasOther = all.some((one) => one !== identity && configured.has(one.provider));
    if (!hasOther && !(await hasUsablePassword(app, tx, userId)))
      throw failedPrecondition('This is your only way to sign in. Connect another one first.');
    await tx.run(store.deleteIdentity, [identity.identityId, userId]);
    const { provider, email } = identity;
    await recordIdentity(tx, app, caller, 'account.identity_disconnected', { before: { provider, email } });
  });
}

async function recordIdentity(
  tx: Transaction,
  app: AppContext,
  caller: Caller,
  kind: `account.${string}`,
  change: { before?: object; after?: object },
): Promise<void> {
  const proof = { kind: 'session', id: caller.credentialId };
  await recordAccount(tx, app, caller.userId, caller, { kind, proof, ...change });
}
