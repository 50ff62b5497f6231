import type { AppContext } from '#server/context.ts';
import type { Executor, Transaction } from '#server/db/database.ts';
import { Failure, invalid, notFound, permissionDenied } from '#server/failure.ts';
import { type Caller, publishAccessChange } from '#server/features/access/service.ts';
import { recordAccount } from '#server/features/history/service.ts';
import { LIMITS } from '#server/limits.ts';
import { lockLogins } from './logins.ts';
import { createCredential } from './service.ts';
import * as store from './store.ts';

/** An access token of a user or of a service account, without its secret. */
export type AccessToken = store.TokenRow;

export interface NewToken {
  readonly name: string;
  readonly scopes: readonly string[];
  /** From now; 0: never expires. */
  readonly expiresInSeconds: number;
}

const MAX_TOKENS = { personal: LIMITS.tokensPerUser, service: LIMITS.tokensPerServiceAccount } as const;
const DAY_SECONDS = 86_400;

/** The tokens of each of those users or service accounts that are not revoked, newest first. */
export async function tokensByOwner(
  db: Executor,
  ownerIds: readonly string[],
): Promise<(ownerId: string) => AccessToken[]> {
  const tokens = Map.groupBy(await db.run(store.listTokens, [ownerIds]), ({ userId }) => userId);
  return (ownerId) => tokens.get(ownerId) ?? [];
}

/**
 * Creates a token of a user or a service account, whose lock the transaction holds. The secret is returned only here.
 * @param creator who creates a service account's token
 * @throws Failure `invalid_argument` for a lifetime that exceeds `TOKEN_MAX_DAYS`; `resource_exhausted`.
 */
export async function createToken(
  tx: Transaction,
  app: AppContext,
  owner: { readonly kind: 'personal' | 'service'; readonly userId: string; readonly username: string },
  { name, scopes, expiresInSeconds }: NewToken,
  creator: Pick<Caller, 'userId' | 'username'> | null = null,
): Promise<{ token: AccessToken; secret: string }> {
  const { kind, userId, username } = owner;
  const createdAt = app.clock.now();
  const expiresAt = tokenExpiry(app, createdAt, expiresInSeconds);
  const max = MAX_TOKENS[kind];
  const [existing] = await tx.run(store.countTokens, [userId]);
  if ((existing?.count ?? 0) >= max)
    throw new Failure('resource_exhausted', `${username} has ${max} access tokens. Delete one first.`);
  const { id, secret } = await createCredential(tx, app, {
    kind,
    userId,
    createdAt,
    expiresAt,
    name,
    scopes,
    ...(creator !== null && { createdBy: creator.userId }),
  });
  const made = { createdById: creator?.userId ?? null, createdBy: creator?.username ?? null };
  return { token: { tokenId: id, name, scopes, createdAt, expiresAt, lastUsedAt: null, ...made }, secret };
}

function tokenExpiry(app: AppContext, createdAt: Date, expiresInSeconds: number): Date | null {
  const maxDays = app.config.tokenMaxDays;
  if (maxDays !== null && (expiresInSeconds === 0 || expiresInSeconds > maxDays * DAY_SECONDS)) {
    const message = `must be 1 second to ${maxDays} days: this server requires tokens to expire`;
    throw invalid({ field: 'expires_in_seconds', message });
  }
  return expiresInSeconds === 0 ? null : new Date(createdAt.getTime() + expiresInSeconds * 1000);
}

/** Revokes a token and gives its name. @throws Failure `not_found`, also for a token of another owner. */
export async function revokeToken(
  tx: Transaction,
  app: AppContext,
  ownerId: string,
  tokenId: string,
): Promise<string> {
  const [revoked] = await tx.run(store.revokeToken, [tokenId, ownerId, app.clock.now()]);
  if (revoked === undefined) throw notFound(`Access token ${tokenId}`);
  publishAccessChange(tx, app, ownerId);
  return revoked.name;
}

/** Revokes the tokens of the organisation's service accounts that a user created, and gives them. */
export async function revokeTokensCreatedBy(
  tx: Transaction,
  app: AppContext,
  organisationId: string,
  userId: string,
): Promise<readonly store.RevokedTokenRow[]> {
  const revoked = await tx.run(store.revokeTokensCreatedBy, [organisationId, userId, app.clock.now()]);
  for (const ownerId of new Set(revoked.map((token) => token.ownerId))) publishAccessChange(tx, app, ownerId);
  return revoked;
}

/**
 * Creates a personal access token.
 * @throws Failure `permission_denied` when the request came with a personal access token, which could give itself more
 *   scopes or a longer lifetime; `invalid_argument` without a scope or for too long a lifetime; `resource_exhausted`.
 */
export async function createPersonalToken(
  app: AppContext,
  caller: Caller,
  input: NewToken,
): Promise<{ token: AccessToken; secret: string }> {
  if (caller.credentialKind === 'personal')
    throw permissionDenied('A personal access token cannot create another one. Log in with a password.');
  if (input.scopes.length === 0) throw invalid({ field: 'scopes', message: 'must name at least one scope' });
  return await app.db.transaction(async (tx) => {
    await lockLogins(tx, app, caller);
    const { userId, username } = caller;
    const scopes = [...new Set(input.scopes)];
    const created = await createToken(tx, app, { kind: 'personal', userId, username }, { ...input, scopes });
    const { tokenId, name, expiresAt } = created.token;
    await recordAccount(tx, app, userId, caller, {
      kind: 'account.token_created',
      subject: `access token ${name} of ${username}`,
      after: { token_id: tokenId, name, scopes, expires_at: expiresAt },
    });
    return created;
  });
}

/** The caller's personal access tokens that are not revoked, newest first; also expired ones. */
export async function listPersonalTokens(app: AppContext, { userId }: Caller): Promise<AccessToken[]> {
  return (await tokensByOwner(app.db, [userId]))(userId);
}

/** Revokes one of the caller's personal access tokens. @throws Failure `not_found`. */
export async function deletePersonalToken(app: AppContext, caller: Caller, tokenId: string): Promise<void> {
  await app.db.transaction(async (tx) => {
    const name = await revokeToken(tx, app, caller.userId, tokenId);
    await recordAccount(tx, app, caller.userId, caller, {
      kind: 'account.token_revoked',
      subject: `access token ${name} of ${caller.username}`,
      before: { token_id: tokenId.toLowerCase(), name },
    });
  });
}
