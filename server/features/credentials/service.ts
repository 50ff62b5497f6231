import type { AppContext } from '#server/context.ts';
import type { Executor, Transaction } from '#server/db/database.ts';
import { Failure } from '#server/failure.ts';
import { type Caller, publishAccessChange } from '#server/features/access/service.ts';
import { attempt } from '#server/features/attempts/service.ts';
import { tokenAttempt } from '#server/features/attempts/subject.ts';
import { recordAccount } from '#server/features/history/service.ts';
import { requestScope } from '#server/request-scope.ts';
import { type CredentialKind, hashSecret, makeSecret } from './secret.ts';
import * as store from './store.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** Lifetimes start when a credential is made and are never extended. A session's is configured. */
const LIFETIME_MS = { access: 60 * MINUTE_MS, refresh: 30 * DAY_MS } as const;
const MAX_USER_AGENT_LENGTH = 300;

/** The address and client with which a login started, shown to its user. */
interface Origin {
  readonly begunAt: Date;
  readonly address: string | null;
  readonly userAgent: string | null;
}

/** A browser's session; `secret` is returned only here. */
export interface StartedSession {
  readonly credentialId: string;
  readonly secret: string;
  readonly expiresAt: Date;
}

/** The tokens that a login gives to a client other than a browser. */
export interface IssuedTokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly accessExpiresAt: Date;
  /** The login's id in the user's list of sessions. */
  readonly loginId: string;
}

/** Inserts a credential and returns its secret, of which only the hash is stored. Without `familyId` it starts a new family. */
export async function createCredential(
  db: Executor,
  app: AppContext,
  credential: {
    kind: CredentialKind;
    userId: string | null;
    familyId?: string;
    createdAt: Date;
    expiresAt: Date | null;
    name?: string;
    scopes?: readonly string[];
    origin?: Origin;
    idleSeconds?: number;
    createdBy?: string;
  },
): Promise<{ id: string; secret: string }> {
  const {
    kind,
    userId,
    createdAt,
    expiresAt,
    name = '',
    scopes = [],
    origin,
    idleSeconds = null,
    createdBy = null,
  } = credential;
  const id = app.newId();
  const secret = makeSecret(kind, app.newSecret);
  await db.run(store.insertCredential, [
    id,
    kind,
    userId,
    hashSecret(secret),
    credential.familyId ?? id,
    name,
    scopes,
    createdAt,
    expiresAt,
    origin?.begunAt ?? null,
    origin?.address ?? null,
    origin?.userAgent ?? null,
    idleSeconds,
    createdBy,
  ]);
  return { id, secret };
}

function requestOrigin(begunAt: Date): Origin {
  const { address = null, userAgent = null } = requestScope() ?? {};
  // Clients choose this text and people read it: no control or bidirectional characters.
  const shown = userAgent?.replace(/\p{C}/gu, '').trim().slice(0, MAX_USER_AGENT_LENGTH) ?? '';
  return { begunAt, address, userAgent: shown === '' ? null : shown };
}

/** Starts a browser's session, which ends after `SESSION_DAYS`, or after `SESSION_IDLE_MINUTES` without use. */
export async function startSession(
  tx: Transaction,
  app: AppContext,
  userId: string,
): Promise<StartedSession> {
  const createdAt = app.clock.now();
  const expiresAt = new Date(createdAt.getTime() + app.config.sessionDays * DAY_MS);
  await tx.run(store.deleteExpired, [userId, createdAt]);
  const { id, secret } = await createCredential(tx, app, {
    kind: 'session',
    userId,
    createdAt,
    expiresAt,
    origin: requestOrigin(createdAt),
    idleSeconds: app.config.sessionIdleMinutes * 60,
  });
  return { credentialId: id, secret, expiresAt };
}

/** Issues an access token (1 hour) and a refresh token (30 days) of a login; null begins a new login. */
export async function issueTokens(
  tx: Transaction,
  app: AppContext,
  userId: string,
  login: ({ readonly familyId: string } & Origin) | null,
): Promise<IssuedTokens> {
  const createdAt = app.clock.now();
  const familyId = login?.familyId ?? app.newId();
  const accessExpiresAt = new Date(createdAt.getTime() + LIFETIME_MS.access);
  const refreshExpiresAt = new Date(createdAt.getTime() + LIFETIME_MS.refresh);
  await tx.run(store.deleteExpired, [userId, createdAt]);
  const common = { userId, familyId, createdAt, origin: login ?? requestOrigin(createdAt) };
  const access = await createCredential(tx, app, { kind: 'access', ...common, expiresAt: accessExpiresAt });
  const refresh = await createCredential(tx, app, {
    kind: 'refresh',
    ...common,
    expiresAt: refreshExpiresAt,
  });
  return { accessToken: access.secret, refreshToken: refresh.secret, accessExpiresAt, loginId: familyId };
}

/**
 * Exchanges a refresh token for new tokens of the same login. A token that was used before may have been stolen: it ends
 * the whole login.
 * @throws Failure `unauthenticated` for an unknown, used, revoked or expired token; `resource_exhausted` after too many.
 */
export async function rotateRefreshToken(app: AppContext, refreshToken: string): Promise<IssuedTokens> {
  const subject = tokenAttempt(requestScope()?.address ?? null);
  const tokens = await attempt(app, subject, () => rotate(app, hashSecret(refreshToken)));
  // Thrown after the commit: a failure inside the transaction would undo the end of the login.
  if (tokens === null) throw new Failure('unauthenticated', 'The refresh token is invalid. Log in again.');
  return tokens;
}

async function rotate(app: AppContext, secretHash: Buffer): Promise<IssuedTokens | null> {
  return await app.db.transaction(async (tx) => {
    await tx.run(store.lockOwner, [secretHash]);
    const [token] = await tx.run(store.lockRefreshToken, [secretHash]);
    const now = app.clock.now();
    if (token === undefined || token.expiresAt <= now) return null;
    if (token.revokedAt !== null) {
      await endFamily(tx, app, token, 'a used refresh token was presented again');
      return null;
    }
    await tx.run(store.revokeCredential, [token.id, now]);
    return await issueTokens(tx, app, token.userId, token);
  });
}

/** Ends the login that a refresh token, used or not, belongs to. An unknown token is not an error. */
export async function endLogin(app: AppContext, refreshToken: string): Promise<void> {
  const secretHash = hashSecret(refreshToken);
  await app.db.transaction(async (tx) => {
    await tx.run(store.lockOwner, [secretHash]);
    const [token] = await tx.run(store.lockRefreshToken, [secretHash]);
    if (token !== undefined) await endFamily(tx, app, token, null);
  });
}

async function endFamily(
  tx: Transaction,
  app: AppContext,
  { id, userId, familyId }: store.RefreshRow,
  reason: string | null,
): Promise<void> {
  const ended = await tx.run(store.revokeFamily, [familyId, app.clock.now()]);
  publishAccessChange(tx, app, userId);
  if (ended.length === 0) return;
  await recordAccount(tx, app, userId, reason === null ? 'self' : null, {
    kind: 'account.signed_out',
    proof: { kind: 'refresh', id },
    before: { login: familyId },
    after: reason === null ? null : { reason },
  });
}

/** Revokes one credential; without effect on one that has ended. */
export async function endCredential(
  tx: Transaction,
  app: AppContext,
  { userId, credentialId }: Pick<Caller, 'userId' | 'credentialId'>,
): Promise<void> {
  await tx.run(store.revokeCredential, [credentialId, app.clock.now()]);
  publishAccessChange(tx, app, userId);
}

/** Ends the user's logins, except the one that `keptCredentialId` belongs to. Access tokens keep working. */
export async function endLogins(
  tx: Transaction,
  app: AppContext,
  userId: string,
  keptCredentialId: string | null,
): Promise<void> {
  await revokeLogins(tx, userId, keptCredentialId, app.clock.now());
  publishAccessChange(tx, app, userId);
}

/** The same for commands, which run outside a server and notify no streams. */
export async function revokeLogins(
  db: Executor,
  userId: string,
  keptCredentialId: string | null,
  now: Date,
): Promise<void> {
  await db.run(store.revokeLogins, [userId, now, keptCredentialId]);
}

/** When a credential was made and when it expires (null: never); null for one that does not exist. */
export async function findCredential(
  app: AppContext,
  credentialId: string,
): Promise<{ createdAt: Date; expiresAt: Date | null } | null> {
  return (await app.db.run(store.findCredential, [credentialId]))[0] ?? null;
}

/** Issues a set-up token, valid until it is used or the next one is issued. Earlier ones end. */
export async function issueSetUpToken(tx: Transaction, app: AppContext): Promise<string> {
  const createdAt = app.clock.now();
  await tx.run(store.revokeSetUpTokens, [createdAt]);
  const token = { kind: 'set_up', userId: null, createdAt, expiresAt: null } as const;
  return (await createCredential(tx, app, token)).secret;
}

/** Whether that is the hash of the set-up token. */
export async function isSetUpToken(db: Executor, tokenHash: Buffer): Promise<boolean> {
  return (await db.run(store.findSetUpToken, [tokenHash])).length > 0;
}

/** Ends the set-up token; the caller holds the set-up's lock and has checked the token under it. */
export async function endSetUpToken(tx: Transaction, app: AppContext): Promise<void> {
  await tx.run(store.revokeSetUpTokens, [app.clock.now()]);
}
