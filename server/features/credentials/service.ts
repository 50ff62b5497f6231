import type { AppContext } from '#server/context.ts';
import type { Executor, Transaction } from '#server/db/database.ts';
import { Failure } from '#server/failure.ts';
import { type CredentialKind, hashSecret, makeSecret } from './secret.ts';
import {
  findExpiry,
  findRefreshForUpdate,
  forgetExpired,
  hasSetUpToken,
  insertCredential,
  meetPasswordChange,
  revokeCredential,
  revokeFamilyOf,
  revokeOtherLogins,
  revokeSetUpTokens,
} from './store.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
/** How long each kind lives from the moment it is made; nothing prolongs it. */
const LIFETIME_MS = { session: 14 * DAY, access: 60 * MINUTE, refresh: 30 * DAY } as const;

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
  });
  return { id, secret };
}

/** Starts a browser session of 14 days, whatever happens within it. */
export async function startSession(
  tx: Transaction,
  app: AppContext,
  userId: string,
): Promise<StartedSession> {
  const createdAt = app.clock.now();
  const expiresAt = new Date(createdAt.getTime() + LIFETIME_MS.session);
  await forgetExpired(tx, userId, createdAt);
  const { id, secret } = await mint(tx, app, {
    kind: 'session',
    userId,
    familyId: null,
    createdAt,
    expiresAt,
  });
  return { credentialId: id, secret, expiresAt };
}

/** Makes an access token (1 hour) and a refresh token (30 days) of one family; null starts a new one: a login. */
export async function issueTokens(
  tx: Transaction,
  app: AppContext,
  userId: string,
  family: string | null,
): Promise<IssuedTokens> {
  const createdAt = app.clock.now();
  const familyId = family ?? app.newId();
  const accessExpiresAt = new Date(createdAt.getTime() + LIFETIME_MS.access);
  const refreshExpiresAt = new Date(createdAt.getTime() + LIFETIME_MS.refresh);
  await forgetExpired(tx, userId, createdAt);
  const common = { userId, familyId, createdAt };
  const access = await mint(tx, app, { kind: 'access', ...common, expiresAt: accessExpiresAt });
  const refresh = await mint(tx, app, { kind: 'refresh', ...common, expiresAt: refreshExpiresAt });
  return { accessToken: access.secret, refreshToken: refresh.secret, accessExpiresAt };
}

/**
 * Spends a refresh token and gives new tokens of the same login. A token that was spent before is in two hands, one of
 * which may be a thief's: the whole login ends.
 * @throws Failure `unauthenticated` when the token is unknown, spent, ended or has run out.
 */
export async function rotateRefreshToken(app: AppContext, refreshToken: string): Promise<IssuedTokens> {
  const tokens = await app.db.transaction(async (tx) => {
    // A changed password ends all other logins: also the tokens that are being made at the same moment.
    await meetPasswordChange(tx, hashSecret(refreshToken));
    const row = await findRefreshForUpdate(tx, hashSecret(refreshToken));
    const now = app.clock.now();
    if (row === null || row.expiresAt <= now) return null;
    if (row.revokedAt !== null) {
      await revokeFamilyOf(tx, row.familyId, now);
      return null;
    }
    await revokeCredential(tx, row.id, now);
    return await issueTokens(tx, app, row.userId, row.familyId);
  });
  // Refused only after the commit: a refusal within the transaction would undo the end of the family.
  if (tokens === null) throw new Failure('unauthenticated', 'the refresh token is not valid: log in again');
  return tokens;
}

/** Ends the login that a refresh token, spent or not, belongs to. An unknown token has nothing to end: no error. */
export async function endLogin(app: AppContext, refreshToken: string): Promise<void> {
  await app.db.transaction(async (tx) => {
    const row = await findRefreshForUpdate(tx, hashSecret(refreshToken));
    if (row !== null) await revokeFamilyOf(tx, row.familyId, app.clock.now());
  });
}

/** Ends one credential; one that has ended stays so. */
export async function endCredential(db: Executor, app: AppContext, credentialId: string): Promise<void> {
  await revokeCredential(db, credentialId, app.clock.now());
}

/** Ends the user's sessions and login tokens except those of the login that `keptCredentialId` belongs to. */
export async function endOtherLogins(
  tx: Transaction,
  app: AppContext,
  userId: string,
  keptCredentialId: string,
): Promise<void> {
  await revokeOtherLogins(tx, userId, keptCredentialId, app.clock.now());
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

/** Whether that is the set-up token, unspent. */
export async function isSetUpToken(db: Executor, token: string): Promise<boolean> {
  return await hasSetUpToken(db, hashSecret(token));
}

/** Spends the set-up token; whoever calls holds the lock of the set-up and has checked the token within it. */
export async function spendSetUpToken(tx: Transaction, app: AppContext): Promise<void> {
  await revokeSetUpTokens(tx, app.clock.now());
}
