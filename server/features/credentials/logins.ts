import type { AppContext } from '#server/context.ts';
import type { Transaction } from '#server/db/database.ts';
import { notFound } from '#server/failure.ts';
import { accessEnded, type Caller, stillStands, unauthenticated } from '#server/features/access/service.ts';
import { recordAccount } from '#server/features/history/service.ts';
import type { Page } from '#server/rpc/page.ts';
import { type LoginRow, listLogins, lockLogins, revokeLogin, succeedSession } from './logins-store.ts';
import { hashSecret, makeSecret } from './secret.ts';
import { endLogins, endOtherLogins, type StartedSession } from './service.ts';

export type Login = LoginRow;

const of = (app: AppContext, { userId, credentialId }: Caller) => ({
  userId,
  credentialId,
  now: app.clock.now(),
});

/** The caller's sessions and logins that have not ended, the newest first: one more than the page holds, if there is. */
export async function loginsOf(app: AppContext, caller: Caller, page: Page): Promise<Login[]> {
  const [begunAt, sessionId] = page.after ?? [];
  const after =
    begunAt === undefined || sessionId === undefined ? null : { begunAt: new Date(begunAt), sessionId };
  return await listLogins(app.db, of(app, caller), after, page.limit + 1);
}

/**
 * Has one at a time, until the transaction ends, of what makes and what ends the caller's logins and access tokens.
 * @throws Failure `unauthenticated` when the one before ended what the caller came with.
 */
export async function holdLogins(tx: Transaction, app: AppContext, caller: Caller): Promise<void> {
  await lockLogins(tx, caller.userId);
  if (!(await stillStands(tx, app, caller))) throw unauthenticated();
}

/**
 * Ends one of the caller's sessions or logins, on every server at once. Says whether it was the one that asked.
 * @throws Failure `not_found` for one that is unknown, has ended or belongs to somebody else.
 */
export async function endSession(app: AppContext, caller: Caller, sessionId: string): Promise<boolean> {
  const ended = await app.db.transaction(async (tx) => {
    await holdLogins(tx, app, caller);
    accessEnded(tx, app, caller.userId);
    const found = await revokeLogin(tx, of(app, caller), sessionId);
    if (found !== null) await recordEnd(tx, app, caller, { session: sessionId.toLowerCase() });
    return found;
  });
  if (ended === null) throw notFound(`session ${sessionId}`);
  return ended.current;
}

/** Ends all of the caller's sessions and logins, or all but the one that asks. Personal access tokens live on. */
export async function signOutEverywhere(app: AppContext, caller: Caller, keepThis: boolean): Promise<void> {
  await app.db.transaction(async (tx) => {
    await holdLogins(tx, app, caller);
    if (keepThis) await endOtherLogins(tx, app, caller.userId, caller.credentialId);
    else await endLogins(tx, caller.userId, app.clock.now());
    accessEnded(tx, app, caller.userId);
    await recordEnd(tx, app, caller, { everywhere: true, but: keepThis ? caller.credentialId : null });
  });
}

async function recordEnd(tx: Transaction, app: AppContext, caller: Caller, before: object): Promise<void> {
  await recordAccount(tx, app, caller.userId, caller, { kind: 'account.signed_out', before });
}

/**
 * Gives the caller's session a new secret, within the transaction that makes the former one unsafe to go on with: whoever
 * has a copy of it is out, also of what they have open. Null when the caller came with something else than a session.
 * @throws Failure `unauthenticated` when the session has been ended meanwhile.
 */
export async function renewSession(
  tx: Transaction,
  app: AppContext,
  { credentialKind, credentialId }: Caller,
): Promise<StartedSession | null> {
  if (credentialKind !== 'session') return null;
  const next = { id: app.newId(), secret: makeSecret('session', app.newSecret) };
  const hashed = { id: next.id, secretHash: hashSecret(next.secret) };
  const renewed = await succeedSession(tx, credentialId, hashed, app.clock.now());
  if (renewed === null) throw unauthenticated();
  return { credentialId: next.id, secret: next.secret, expiresAt: renewed.expiresAt };
}
