import type { AppContext } from '#server/context.ts';
import type { Transaction } from '#server/db/database.ts';
import { Failure, notFound, permissionDenied } from '#server/failure.ts';
import { type Caller, publishAccessChange } from '#server/features/access/service.ts';
import {
  type AccessToken,
  createToken,
  type NewToken,
  revokeToken,
  revokeTokensCreatedBy,
  tokensByOwner,
} from '#server/features/credentials/tokens.ts';
import { recordChange } from '#server/features/history/service.ts';
import { LIMITS } from '#server/limits.ts';
import { createUnique } from '#server/wire/create-unique.ts';
import type { OrganisationScope } from '#server/wire/scopes.ts';
import * as store from './store.ts';

/** An account that a pipeline acts as: it can be the author of releases and can never approve one. */
export interface ServiceAccount extends store.AccountRow {
  readonly name: string;
  readonly tokens: readonly AccessToken[];
}

/** Usernames of people contain neither spaces nor brackets, so an account cannot pose as a person. */
const SUFFIX = ' (service account)';

const accountOf = (row: store.AccountRow, tokens: readonly AccessToken[]): ServiceAccount => ({
  ...row,
  name: row.username.slice(0, -SUFFIX.length),
  tokens,
});

/** The organisation's service accounts by name, with their tokens; without deleted accounts and revoked tokens. */
export async function listServiceAccounts(
  app: AppContext,
  { organisationId }: OrganisationScope,
): Promise<ServiceAccount[]> {
  const rows = await app.db.run(store.listAccounts, [organisationId]);
  const ids = rows.map(({ userId }) => userId);
  const tokensOf = await tokensByOwner(app.db, ids);
  return rows.map((row) => accountOf(row, tokensOf(row.userId)));
}

/**
 * Creates a service account without tokens.
 * @throws Failure `already_exists` for a name that is taken, ignoring case; `resource_exhausted`.
 */
export async function createServiceAccount(
  app: AppContext,
  caller: Caller,
  scope: OrganisationScope,
  name: string,
): Promise<ServiceAccount> {
  const { organisationId, organisation } = scope;
  const row = { userId: app.newId(), username: `${name}${SUFFIX}`, createdAt: app.clock.now() };
  const taken = {
    message: `${organisation} already has a service account "${name}"`,
    constraint: 'users_service',
    fields: [{ field: 'name', message: 'is taken' }],
  };
  await createUnique(app.db, taken, async (tx) => {
    await tx.run(store.lockOrganisation, [organisationId]);
    const [existing] = await tx.run(store.countAccounts, [organisationId]);
    if ((existing?.count ?? 0) >= LIMITS.serviceAccountsPerOrganisation) {
      const message = `${organisation} has ${LIMITS.serviceAccountsPerOrganisation} service accounts. Delete one first.`;
      throw new Failure('resource_exhausted', message);
    }
    await tx.run(store.insertAccount, [row.userId, organisationId, row.username, row.createdAt]);
    const after = { user_id: row.userId, name };
    await recordChange(tx, app, caller, scope, 'service_account.created', row.username, { after });
  });
  return accountOf(row, []);
}

async function lockAccount(tx: Transaction, scope: OrganisationScope, id: string): Promise<ServiceAccount> {
  const [row] = await tx.run(store.lockAccount, [id, scope.organisationId]);
  if (row === undefined) throw notFound(`Service account ${id} of ${scope.organisation}`);
  return accountOf(row, []);
}

/** Deletes a service account and revokes its tokens. Its releases continue. @throws Failure `not_found`. */
export async function deleteServiceAccount(
  app: AppContext,
  caller: Caller,
  scope: OrganisationScope,
  id: string,
): Promise<void> {
  await app.db.transaction(async (tx) => {
    const { userId, username, name } = await lockAccount(tx, scope, id);
    await tx.run(store.deleteAccount, [userId, app.clock.now()]);
    const before = { user_id: userId, name };
    await recordChange(tx, app, caller, scope, 'service_account.deleted', username, { before });
    publishAccessChange(tx, app, userId);
  });
}

/**
 * Creates a token for a service account. The secret is returned only here.
 * @throws Failure `not_found`; `invalid_argument` for too long a lifetime; `resource_exhausted`.
 */
export async function createServiceToken(
  app: AppContext,
  caller: Caller,
  scope: OrganisationScope,
  { accountId, ...token }: NewToken & { accountId: string },
): Promise<{ token: AccessToken; secret: string }> {
  return await app.db.transaction(async (tx) => {
    const { userId, username } = await lockAccount(tx, scope, accountId);
    const created = await createToken(tx, app, { kind: 'service', userId, username }, token, caller);
    const { tokenId, name, scopes, expiresAt } = created.token;
    const after = { token_id: tokenId, name, scopes, expires_at: expiresAt };
    await recordChange(tx, app, caller, scope, 'service_account.token_created', username, { after });
    return created;
  });
}

/** Revokes a token of a service account. @throws Failure `not_found`. */
export async function revokeServiceToken(
  app: AppContext,
  caller: Caller,
  scope: OrganisationScope,
  { accountId, tokenId }: { accountId: string; tokenId: string },
): Promise<void> {
  await app.db.transaction(async (tx) => {
    const { userId, username } = await lockAccount(tx, scope, accountId);
    const name = await revokeToken(tx, app, userId, tokenId);
    const before = { token_id: tokenId.toLowerCase(), name };
    await recordChange(tx, app, caller, scope, 'service_account.token_revoked', username, { before });
  });
}

/**
 * Revokes all tokens of the organisation's service accounts that a user created, in the transaction that takes away the user's
 * role, after that: a token that they create at the same time is then either seen here or refused.
 * @throws Failure `permission_denied` for a caller with an access token.
 */
export async function revokeServiceTokensOf(
  tx: Transaction,
  app: AppContext,
  caller: Caller,
  scope: OrganisationScope,
  userId: string,
): Promise<void> {
  if (caller.credentialKind === 'personal')
    throw permissionDenied(
      'An access token cannot revoke tokens of service accounts. Sign in with a password.',
    );
  for (const { tokenId, name, owner } of await revokeTokensCreatedBy(tx, app, scope.organisationId, userId)) {
    const before = { token_id: tokenId, name };
    await recordChange(tx, app, caller, scope, 'service_account.token_revoked', owner, { before });
  }
}
