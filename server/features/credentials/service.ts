import type { AppContext } from '#server/context.ts';
import type { Executor, Transaction } from '#server/db/database.ts';
import { Failure } from '#server/failure.ts';
import { accessEnded, type Caller } from '#server/features/access/service.ts';
import { attempt } from '#server/features/attempts/service.ts';
import { tokenAttempt } from '#server/features/attempts/subject.ts';
import { recordAccount } from '#server/features/history/service.ts';
import { requestScope } from '#server/request-scope.ts';
import { type Origin, originNow } from './origin.ts';
import { type CredentialKind, hashSecret, makeSecret } from './secret.ts';
import {
  findBegin,
  findExpiry,
  findRefreshForUpdate,
  forgetExpired,
  hasSetUpToken,
  insertCredential,
  lockLoginsOf,
  type RefreshRow,
  revokeCredential,
  revokeFamilyOf,
  revokeLogins,
  revokeOtherLogins,
  revokeSetUpTokens,
} from './store.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
/** How long each kind lives from the moment it is made; nothing prolongs it. For sessions the configuration says. */
const LIFETIME_MS = { access: 60 * MINUTE, refresh: 30 * DAY } as const;

/** A browser's session: the secret is shown once, here. */
export interface StartedSession {
  readonly credentialId: string;
  readonly secret: string;
  readonly expiresAt: Date;
}

/** The pair of tokens that a login gives to a client that is no browser. */
export interface IssuedTokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** When the access token runs out. */
  readonly accessExpiresAt: Date;
  /** The login that they belong to, as the account's list of sessions has it. */
  readonly loginId: string;
}

interface Minted {
  readonly id: string;
  readonly secret: string;
}

/** Makes one credential and gives its secret, which is kept nowhere. `familyId` null starts a family of its own. */
export async function mint(
  db: Executor,
  app: AppContext,
  credential: {
    kind: CredentialKind;
    userId: string | null;
    familyId: string | null;
    createdAt: Date;
    expiresAt: Date | null;
    name?: string;
    scopes?: readonly string[];
    origin?: Origin;
    idleSeconds?: number;
  },
): Promise<Minted> {
  const id = app.newId();
  const secret = makeSecret(credential.kind, app.newSecret);
  await insertCredential(db, {
    id,
    kind: credential.kind,
    userId: credential.userId,
    secretHash: hashSecret(secret),
    familyId: credential.familyId ?? id,
    name: credential.name ?? '',
    scopes: credential.scopes ?? [],
    createdAt: credential.createdAt,
    expiresAt: credential.expiresAt,
    origin: credential.origin ?? null,
    idleSeconds: credential.idleSeconds ?? null,
  });
  return { id, secret };
}

/** Starts a browser session of `SESSION_DAYS`, whatever happens within it, or until nobody has used it for `SESSION_IDLE_MINUTES`. */
export async function startSession(
  tx: Transaction,
  app: AppContext,
  userId: string,
): Promise<StartedSession> {
  const createdAt = app.clock.now();
  const expiresAt = new Date(createdAt.getTime() + app.config.sessionDays * DAY);
  await forgetExpired(tx, userId, createdAt);
  const { id, secret } = await mint(tx, app, {
    kind: 'session',
    userId,
    familyId: null,
    createdAt,
    expiresAt,
    origin: originNow(createdAt),
    idleSeconds: app.config.sessionIdleMinutes * 60,
  });
  return { credentialId: id, secret, expiresAt };
}

/** Makes an access token (1 hour) and a refresh token (30 days) of one family; null starts a new one: a login, begun now. */
export async function issueTokens(
  tx: Transaction,
  app: AppContext,
  userId: string,
  family: ({ readonly familyId: string } & Origin) | null,
): Promise<IssuedTokens> {
  const createdAt = app.clock.now();
  const familyId = family?.familyId ?? app.newId();
  const accessExpiresAt = new Date(createdAt.getTime() + LIFETIME_MS.access);
  const refreshExpiresAt = new Date(createdAt.getTime() + LIFETIME_MS.refresh);
  await forgetExpired(tx, userId, createdAt);
  const common = { userId, familyId, createdAt, origin: family ?? originNow(createdAt) };
  const access = await mint(tx, app, { kind: 'access', ...common, expiresAt: accessExpiresAt });
  const refresh = await mint(tx, app, { kind: 'refresh', ...common, expiresAt: refreshExpiresAt });
  return { accessToken: access.secret, refreshToken: refresh.secret, accessExpiresAt, loginId: familyId };
}

/**
 * Spends a refresh token and gives new tokens of the same login. A token that was spent before is in two hands, one of
 * which may be a thief's: the whole login ends.
 * @throws Failure `unauthenticated` when the token is unknown, spent, ended or has run out; `resource_exhausted` after too many such.
 */
export async function rotateRefreshToken(app: AppContext, refreshToken: string): Promise<IssuedTokens> {
  const subject = tokenAttempt(requestScope()?.address ?? null);
  const tokens = await attempt(app, subject, () => rotated(app, refreshToken));
  // Refused only after the commit: a refusal within the transaction would undo the end of the family.
  if (tokens === null) throw new Failure('unauthenticated', 'the refresh token is not valid: log in again');
  return tokens;
}

async function rotated(app: AppContext, refreshToken: string): Promise<IssuedTokens | null> {
  return await app.db.transaction(async (tx) => {
    await lockLoginsOf(tx, hashSecret(refreshToken));
    const row = await findRefreshForUpdate(tx, hashSecret(refreshToken));
    const now = app.clock.now();
    if (row === null || row.expiresAt <= now) return null;
    if (row.revokedAt !== null) {
      await endFamily(tx, app, row, 'a token of it that was spent before was shown again');
      return null;
    }
    await revokeCredential(tx, row.id, now);
    return await issueTokens(tx, app, row.userId, row);
  });
}

/** Ends the login that a refresh token, spent or not, belongs to. An unknown token has nothing to end: no error. */
export async function endLogin(app: AppContext, refreshToken: string): Promise<void> {
  await app.db.transaction(async (tx) => {
    await lockLoginsOf(tx, hashSecret(refreshToken));
    const row = await findRefreshForUpdate(tx, hashSecret(refreshToken));
    if (row !== null) await endFamily(tx, app, row, null);
  });
}

async function endFamily(
  tx: Transaction,
  app: AppContext,
  { id, userId, familyId }: RefreshRow,
  reason: string | null,
): Promise<void> {
  const ended = await revokeFamilyOf(tx, familyId, app.clock.now());
  accessEnded(tx, app, userId);
  if (!ended) return;
  await recordAccount(tx, app, userId, reason === null ? 'self' : null, {
    kind: 'account.signed_out',
    proof: { kind: 'refresh', id },
    before: { login: familyId },
    after: reason === null ? null : { reason },
  });
}

/** Ends one credential; one that has ended stays so. */
export async function endCredential(
  tx: Transaction,
  app: AppContext,
  { userId, credentialId }: Pick<Caller, 'userId' | 'credentialId'>,
): Promise<void> {
  await revokeCredential(tx, credentialId, app.clock.now());
  accessEnded(tx, app, userId);
}

/** Ends the user's sessions and login tokens except those of the login that `keptCredentialId` belongs to. */
export async function endOtherLogins(
  tx: Transaction,
  app: AppContext,
  userId: string,
  keptCredentialId: string,
): Promise<void> {
  await revokeOtherLogins(tx, userId, keptCredentialId, app.clock.now());
  accessEnded(tx, app, userId);
}

/** Ends all of the user's sessions and login tokens. */
export async function endLogins(tx: Executor, userId: string, now: Date): Promise<void> {
  await revokeLogins(tx, userId, now);
}

/** When a credential was made; null for one that does not exist. */
export async function credentialBegan(app: AppContext, credentialId: string): Promise<Date | null> {
  return await findBegin(app.db, credentialId);
}

/** When a credential runs out; null: never. */
export async function credentialExpiry(app: AppContext, credentialId: string): Promise<Date | null> {
  return await findExpiry(app.db, credentialId);
}

/** Makes the only valid set-up token: earlier ones end. It lives until it is spent or the next one is made. */
export async function issueSetUpToken(tx: Transaction, app: AppContext): Promise<string> {
  const createdAt = app.clock.now();
  await revokeSetUpTokens(tx, createdAt);
  const made = await mint(tx, app, {
    kind: 'set_up',
    userId: null,
    familyId: null,
    createdAt,
    expiresAt: null,
  });
  return made.secret;
}

/** Whether that is the hash of the set-up token, unspent. */
export async function isSetUpToken(db: Executor, tokenHash: Buffer): Promise<boolean> {
  return await hasSetUpToken(db, tokenHash);
}

/** Spends the set-up token; whoever calls holds the lock of the set-up and has checked the token within it. */
export async function spendSetUpToken(tx: Transaction, app: AppContext): Promise<void> {
  await revokeSetUpTokens(tx, app.clock.now());
}
