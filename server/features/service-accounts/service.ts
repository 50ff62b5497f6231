import type { AppContext } from '#server/context.ts';
import { isUniqueViolation, type Transaction } from '#server/db/database.ts';
import { Failure, notFound } from '#server/failure.ts';
import { accessEnded, type Caller } from '#server/features/access/service.ts';
import { mint } from '#server/features/credentials/service.ts';
import { tokenEnd } from '#server/features/credentials/token-life.ts';
import { record } from '#server/features/history/service.ts';
import type { OrganisationScope } from '#server/rpc/access.ts';
import {
  type AccountRow,
  deleteAccount,
  holdCount,
  insertAccount,
  listAccounts,
  lockAccount,
  revokeToken,
  tokensOf,
} from './store.ts';

/** An account that a pipeline acts as: the author of what it releases, and nobody with a voice. */
export interface ServiceAccount {
  readonly userId: string;
  readonly name: string;
  /** As releases and history name it: nobody else can have such a name. */
  readonly username: string;
  readonly createdAt: Date;
  readonly tokens: readonly ServiceToken[];
}

export interface ServiceToken {
  readonly tokenId: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
}

/** Accounts and their tokens come as one list without pages: this bounds it. */
const MOST_ACCOUNTS = 100;
const MOST_TOKENS = 20;
/** A person's name has neither spaces nor brackets, so that no account can pass for a person. */
const SUFFIX = ' (service account)';

const accountOf = (row: AccountRow, tokens: readonly ServiceToken[]): ServiceAccount => ({
  ...row,
  name: row.username.slice(0, -SUFFIX.length),
  tokens,
});

const date = (text: string | null): Date | null => (text === null ? null : new Date(text));

/** The organisation's service accounts by name, with their tokens; without what is deleted or revoked. */
export async function serviceAccounts(
  app: AppContext,
  { organisationId }: OrganisationScope,
): Promise<ServiceAccount[]> {
  const rows = await listAccounts(app.db, organisationId);
  return rows.map(({ tokens, ...row }) =>
    accountOf(
      row,
      tokens.map((token) => ({
        ...token,
        createdAt: new Date(token.createdAt),
        expiresAt: date(token.expiresAt),
        lastUsedAt: date(token.lastUsedAt),
      })),
    ),
  );
}

const entry = (scope: OrganisationScope, actor: Caller) => ({ organisationId: scope.organisationId, actor });

/**
 * Makes a service account, without tokens.
 * @throws Failure `already_exists` for a name that is taken in upper or lower case; `resource_exhausted` at 100 accounts.
 */
export async function createServiceAccount(
  app: AppContext,
  caller: Caller,
  scope: OrganisationScope,
  name: string,
): Promise<ServiceAccount> {
  const { organisationId, organisation } = scope;
  const row = { userId: app.newId(), username: `${name}${SUFFIX}`, createdAt: app.clock.now() };
  try {
    await app.db.transaction(async (tx) => {
      if ((await holdCount(tx, organisationId)) >= MOST_ACCOUNTS) {
        throw new Failure(
          'resource_exhausted',
          `${organisation} has ${MOST_ACCOUNTS} service accounts: delete one first`,
        );
      }
      await insertAccount(tx, organisationId, row);
      await record(tx, app, {
        ...entry(scope, caller),
        kind: 'service_account.created',
        subject: row.username,
        after: { user_id: row.userId, name },
      });
    });
  } catch (error) {
    if (!isUniqueViolation(error, 'users_service')) throw error;
    const fields = [{ field: 'name', message: 'is taken' }];
    throw new Failure('already_exists', `${organisation} has a service account "${name}" already`, {
      fields,
    });
  }
  return accountOf(row, []);
}

async function lockedAccount(tx: Transaction, scope: OrganisationScope, id: string): Promise<ServiceAccount> {
  const row = await lockAccount(tx, id, scope.organisationId);
  if (row === null) throw notFound(`service account ${id} of ${scope.organisation}`);
  return accountOf(row, []);
}

/**
 * Deletes a service account and ends its tokens, on every server at once. What it asked for goes on, and stays its own.
 * @throws Failure `not_found`.
 */
export async function deleteServiceAccount(
  app: AppContext,
  caller: Caller,
  scope: OrganisationScope,
  id: string,
): Promise<void> {
  await app.db.transaction(async (tx) => {
    const { userId, username, name } = await lockedAccount(tx, scope, id);
    await deleteAccount(tx, userId, app.clock.now());
    await record(tx, app, {
      ...entry(scope, caller),
      kind: 'service_account.deleted',
      subject: username,
      before: { user_id: userId, name },
    });
    accessEnded(tx, app, userId);
  });
}

/**
 * Makes a token for a service account; its secret is shown in this answer only.
 * @param input.expiresInSeconds from now; 0: never.
 * @throws Failure `not_found`; `invalid_argument` for a longer life than the server allows; `resource_exhausted` at 20 tokens.
 */
export async function createServiceToken(
  app: AppContext,
  caller: Caller,
  scope: OrganisationScope,
  input: {
    accountId: string;
    name: string;
    scopes: readonly ('read' | 'release')[];
    expiresInSeconds: number;
  },
): Promise<{ token: ServiceToken; secret: string }> {
  const createdAt = app.clock.now();
  const expiresAt = tokenEnd(app, createdAt, input.expiresInSeconds);
  const { name, scopes } = input;
  return await app.db.transaction(async (tx) => {
    const account = await lockedAccount(tx, scope, input.accountId);
    if ((await tokensOf(tx, account.userId)) >= MOST_TOKENS) {
      throw new Failure(
        'resource_exhausted',
        `${account.username} has ${MOST_TOKENS} tokens: revoke one first`,
      );
    }
    const { id, secret } = await mint(tx, app, {
      kind: 'service',
      userId: account.userId,
      familyId: null,
      createdAt,
      expiresAt,
      name,
      scopes,
    });
    await record(tx, app, {
      ...entry(scope, caller),
      kind: 'service_account.token_created',
      subject: account.username,
      after: { token_id: id, name, scopes, expires_at: expiresAt },
    });
    return { token: { tokenId: id, name, scopes, createdAt, expiresAt, lastUsedAt: null }, secret };
  });
}

/** Ends a token of a service account, on every server at once. @throws Failure `not_found`. */
export async function revokeServiceToken(
  app: AppContext,
  caller: Caller,
  scope: OrganisationScope,
  input: { accountId: string; tokenId: string },
): Promise<void> {
  await app.db.transaction(async (tx) => {
    const { userId, username } = await lockedAccount(tx, scope, input.accountId);
    const name = await revokeToken(tx, input.tokenId, userId, app.clock.now());
    if (name === null) throw notFound(`token ${input.tokenId} of ${username}`);
    await record(tx, app, {
      ...entry(scope, caller),
      kind: 'service_account.token_revoked',
      subject: username,
      before: { token_id: input.tokenId.toLowerCase(), name },
    });
    accessEnded(tx, app, userId);
  });
}
