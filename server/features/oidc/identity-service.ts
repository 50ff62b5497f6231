import type { AppContext } from '#server/context.ts';
import type { Transaction } from '#server/db/database.ts';
import { Failure, failedPrecondition, notFound, permissionDenied } from '#server/failure.ts';
import { type Caller, stillStands, unauthenticated } from '#server/features/access/service.ts';
import { credentialBegan } from '#server/features/credentials/service.ts';
import { recordAccount } from '#server/features/history/service.ts';
import { type Begun, begin, providerOf } from './pending-service.ts';
import { SignInProblem } from './problem.ts';
import {
  deleteIdentity,
  hasPassword,
  type IdentityRow,
  insertIdentity,
  listIdentities,
  lockIdentity,
  lockUserIdentities,
  noteUse,
} from './store.ts';
import type { Vouched } from './welcome.ts';

export type Identity = IdentityRow;

/** A user's identities come as one list without pages: this bounds it. */
const MOST_IDENTITIES = 20;
/** How young a session must be to connect an identity by it. */
const FRESH_MS = 10 * 60_000;

/** How the caller can sign in: their identities, oldest first, and whether they have a password that is taken. */
export async function waysIn(
  app: AppContext,
  { userId }: Caller,
): Promise<{ identities: Identity[]; hasPassword: boolean }> {
  const identities = await listIdentities(app.db, userId);
  return { identities, hasPassword: app.config.passwordSignIn && (await hasPassword(app.db, userId)) };
}

/**
 * Begins to connect an identity of a provider to the caller.
 * @throws Failure `permission_denied` for other credentials than a browser's session; `failed_precondition` for a session
 *   that began more than ten minutes ago; `not_found` for an unknown provider; `unavailable` when the provider is away.
 */
export async function beginConnecting(app: AppContext, caller: Caller, providerId: string): Promise<Begun> {
  requireSession(caller);
  const began = await credentialBegan(app, caller.credentialId);
  if (began === null || app.clock.now().getTime() - began.getTime() > FRESH_MS)
    throw failedPrecondition('sign in again first: connecting takes a sign-in of the last ten minutes');
  try {
    const provider = providerOf(app, providerId);
    return await begin(app, provider, { kind: 'connect', userId: caller.userId }, '/account');
  } catch (error) {
    throw error instanceof SignInProblem ? failureOf(error, providerId) : error;
  }
}

function failureOf(problem: SignInProblem, provider: string): unknown {
  if (problem.code === 'unknown_provider') return notFound(`provider "${provider}"`);
  if (problem.code === 'provider_away')
    return new Failure('unavailable', `the provider "${provider}" cannot be reached; try again later`);
  if (problem.code === 'busy')
    return new Failure('resource_exhausted', 'too many sign-ins are under way; try again in ten minutes');
  return problem;
}

/** A stolen token must not become a lasting way in, nor shut the owner out. */
function requireSession(caller: Caller): void {
  if (caller.credentialKind !== 'session')
    throw permissionDenied('identities are changed in the browser: sign in there');
}

/**
 * Connects an identity to a signed-in user; one that they have already stays.
 * @throws SignInProblem `identity_taken` when it is another user's; `too_many_identities`; `session_ended`.
 */
export async function connect(app: AppContext, caller: Caller, vouched: Vouched): Promise<void> {
  await app.db.transaction(async (tx) => {
    const now = app.clock.now();
    await lockIdentity(tx, vouched.issuer, vouched.subject);
    await lockUserIdentities(tx, caller.userId);
    if (!(await stillStands(tx, app, caller))) throw new SignInProblem('session_ended');
    const owner = await noteUse(tx, vouched, now);
    if (owner?.userId === caller.userId) return;
    if (owner !== null) throw new SignInProblem('identity_taken');
    if ((await listIdentities(tx, caller.userId)).length >= MOST_IDENTITIES)
      throw new SignInProblem('too_many_identities');
    await insertIdentity(tx, app.newId(), caller.userId, vouched, now);
    await recordIdentity(tx, app, caller, 'account.identity_connected', { after: shown(vouched) });
  });
}

/**
 * Takes one of the caller's identities away.
 * @throws Failure `permission_denied` for other credentials than a browser's session; `not_found`; `failed_precondition`
 *   when the caller could not sign in any more.
 */
export async function disconnect(app: AppContext, caller: Caller, identityId: string): Promise<void> {
  requireSession(caller);
  await app.db.transaction(async (tx) => {
    await lockUserIdentities(tx, caller.userId);
    if (!(await stillStands(tx, app, caller))) throw unauthenticated();
    const all = await listIdentities(tx, caller.userId);
    const identity = all.find((one) => one.identityId === identityId.toLowerCase());
    if (identity === undefined) throw notFound(`identity ${identityId}`);
    const others = all.filter((one) => one !== identity && isConfigured(app, one));
    const byPassword = app.config.passwordSignIn && (await hasPassword(tx, caller.userId));
    if (others.length === 0 && !byPassword)
      throw failedPrecondition('this is your only way to sign in: connect another one first');
    await deleteIdentity(tx, identity.identityId, caller.userId);
    await recordIdentity(tx, app, caller, 'account.identity_disconnected', { before: shown(identity) });
  });
}

const shown = ({ provider, email }: { provider: string; email: string }) => ({ provider, email });

async function recordIdentity(
  tx: Transaction,
  app: AppContext,
  { userId, username, credentialId }: Caller,
  kind: `account.${string}`,
  change: { before?: object; after?: object },
): Promise<void> {
  const proof = { kind: 'session', id: credentialId };
  await recordAccount(
    tx,
    app,
    userId,
    { userId, username },
    { kind, proof, subject: `user ${username}`, ...change },
  );
}

const isConfigured = (app: AppContext, { provider }: Identity): boolean =>
  app.config.oidcProviders.some(({ id }) => id === provider);
