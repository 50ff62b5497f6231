import type { AppContext } from '#server/context.ts';
import { Failure, invalid, notFound, permissionDenied } from '#server/failure.ts';
import { accessEnded, type Caller } from '#server/features/access/service.ts';
import { recordAccount } from '#server/features/history/service.ts';
import { holdLogins } from './logins.ts';
import { mint } from './service.ts';
import {
  countPersonalTokens,
  listPersonalTokens,
  type PersonalTokenRow,
  revokePersonalToken,
} from './store.ts';
import { tokenEnd } from './token-life.ts';

export type PersonalToken = PersonalTokenRow;

/** A user's tokens come as one list without pages: this bounds it. */
const MOST_TOKENS = 100;

/**
 * Makes a personal access token; its secret is shown in this answer only.
 * @param input.expiresInSeconds from now; 0: never.
 * @throws Failure `permission_denied` when asked by a personal access token, which could give itself more rights or a
 *   longer life; `invalid_argument` without a scope, as such a token could do nothing, and for a longer life than the server allows;
 *   `resource_exhausted` at 100 tokens.
 */
export async function createPersonalToken(
  app: AppContext,
  caller: Caller,
  input: { name: string; scopes: readonly string[]; expiresInSeconds: number },
): Promise<{ token: PersonalToken; secret: string }> {
  if (caller.credentialKind === 'personal') {
    throw permissionDenied(
      'a personal access token cannot make another one: log in with a password for that',
    );
  }
  if (input.scopes.length === 0) throw invalid({ field: 'scopes', message: 'choose at least one scope' });
  const createdAt = app.clock.now();
  const expiresAt = tokenEnd(app, createdAt, input.expiresInSeconds);
  return await app.db.transaction(async (tx) => {
    // Of several at once each counts those before it, and none is made after the end of what it was asked by.
    await holdLogins(tx, app, caller);
    if ((await countPersonalTokens(tx, caller.userId)) >= MOST_TOKENS) {
      throw new Failure(
        'resource_exhausted',
        `you have ${MOST_TOKENS} personal access tokens: delete one first`,
      );
    }
    const { name } = input;
    const scopes = [...new Set(input.scopes)];
    const { id, secret } = await mint(tx, app, {
      kind: 'personal',
      userId: caller.userId,
      familyId: null,
      createdAt,
      expiresAt,
      name,
      scopes,
    });
    const token = { tokenId: id, name, scopes, createdAt, expiresAt, lastUsedAt: null };
    await recordAccount(tx, app, caller.userId, caller, {
      kind: 'account.token_created',
      subject: `access token ${name} of ${caller.username}`,
      after: { token_id: id, name, scopes, expires_at: expiresAt },
    });
    return { token, secret };
  });
}

/** The caller's personal access tokens, newest first; those that have run out too, until they are deleted. */
export async function personalTokensOf(app: AppContext, caller: Caller): Promise<PersonalToken[]> {
  return await listPersonalTokens(app.db, caller.userId);
}

/**
 * Ends one of the caller's personal access tokens at once.
 * @throws Failure `not_found` for an unknown token, also one that belongs to somebody else.
 */
export async function deletePersonalToken(app: AppContext, caller: Caller, tokenId: string): Promise<void> {
  await app.db.transaction(async (tx) => {
    const name = await revokePersonalToken(tx, tokenId, caller.userId, app.clock.now());
    if (name === null) throw notFound(`personal access token ${tokenId}`);
    await recordAccount(tx, app, caller.userId, caller, {
      kind: 'account.token_revoked',
      subject: `access token ${name} of ${caller.username}`,
      before: { token_id: tokenId.toLowerCase(), name },
    });
    accessEnded(tx, app, caller.userId);
  });
}
