import type { AppContext } from '#server/context.ts';
import type { Transaction } from '#server/db/database.ts';
import { notFound } from '#server/failure.ts';
import {
  type Caller,
  isCredentialActive,
  publishAccessChange,
  unauthenticated,
} from '#server/features/access/service.ts';
import { recordAccount } from '#server/features/history/service.ts';
import { nextPageToken, type Page } from '#server/wire/pages.ts';
import { hashSecret, makeSecret } from './secret.ts';
import { endLogins, type StartedSession } from './service.ts';
import * as store from './store.ts';

export type Login = store.LoginRow;

/** A page of the caller's logins that have not ended, newest first. */
export async function listLogins(app: AppContext, { userId, credentialId }: Caller, page: Page) {
  const [begunAt, sessionId = null] = page.after ?? [];
  const after = begunAt === undefined ? null : new Date(begunAt);
  const now = app.clock.now();
  const params = [userId, now, credentialId, after, sessionId, page.limit + 1] as const;
  const key = (login: Login) => [login.begunAt.toISOString(), login.sessionId];
  return nextPageToken(await app.db.run(store.listLogins, params), page.limit, key);
}

/**
 * Makes changes of the caller's logins and tokens wait for each other, until the transaction ends.
 * @throws Failure `unauthenticated` when an earlier change ended the caller's credential.
 */
export async function lockLogins(tx: Transaction, app: AppContext, caller: Caller): Promise<void> {
  await tx.run(store.lockUser, [caller.userId]);
  if (!(await isCredentialActive(tx, app, caller))) throw unauthenticated();
}

/**
 * Ends one of the caller's logins, on every server at once. Returns whether the request came with it.
 * @throws Failure `not_found` for one that is unknown, has ended or belongs to another user.
 */
export async function endSession(app: AppContext, caller: Caller, sessionId: string): Promise<boolean> {
  const { userId, credentialId } = caller;
  return await app.db.transaction(async (tx) => {
    await lockLogins(tx, app, caller);
    const ended = await tx.run(store.revokeLogin, [userId, app.clock.now(), sessionId, credentialId]);
    if (ended.length === 0) throw notFound(`Session ${sessionId}`);
    publishAccessChange(tx, app, userId);
    await recordSignOut(tx, app, caller, { session: sessionId.toLowerCase() });
    return ended.some(({ current }) => current);
  });
}

/** Ends the caller's logins; with `keepThis` all but the one that the request came with. Access tokens keep working. */
export async function signOutEverywhere(app: AppContext, caller: Caller, keepThis: boolean): Promise<void> {
  const but = keepThis ? caller.credentialId : null;
  await app.db.transaction(async (tx) => {
    await lockLogins(tx, app, caller);
    await endLogins(tx, app, caller.userId, but);
    await recordSignOut(tx, app, caller, { everywhere: true, but });
  });
}

async function recordSignOut(
  tx: Transaction,
  app: AppContext,
  caller: Caller,
  before: object,
): Promise<void> {
  await recordAccount(tx, app, caller.userId, caller, { kind: 'account.signed_out', before });
}

/**
 * Gives the caller's session a new secret. The old one stops working at once, also for calls that are open. Null when the
 * caller's credential is not a session.
 * @throws Failure `unauthenticated` when the session has ended.
 */
export async function renewSession(
  tx: Transaction,
  app: AppContext,
  { credentialKind, credentialId }: Caller,
): Promise<StartedSession | null> {
  if (credentialKind !== 'session') return null;
  const id = app.newId();
  const secret = makeSecret('session', app.newSecret);
  const params = [credentialId, id, hashSecret(secret), app.clock.now()] as const;
  const [renewed] = await tx.run(store.replaceSession, params);
  if (renewed === undefined) throw unauthenticated();
  return { credentialId: id, secret, expiresAt: renewed.expiresAt };
}
