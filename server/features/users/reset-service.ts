import type { Executor } from '#server/db/database.ts';
import { notFound } from '#server/failure.ts';
import { endLogins } from '#server/features/credentials/service.ts';
import { appendAccount } from '#server/features/history/service.ts';
import { hashPassword } from './password.ts';
import { setPassword } from './store.ts';

/**
 * Gives a user a new password without knowing the old one and ends their sessions and logins; personal access tokens and
 * identities of providers live on.
 * For whoever runs the server and holds the database: no method of the API leads here. `tx` is one transaction.
 * @throws Failure `not_found`.
 */
export async function resetPassword(
  tx: Executor,
  username: string,
  password: string,
  now: Date,
): Promise<void> {
  const userId = await setPassword(tx, username, await hashPassword(password), now);
  if (userId === null) throw notFound(`user "${username}"`);
  await endLogins(tx, userId, now);
  await appendAccount(
    tx,
    userId,
    { kind: 'account.password_reset', proof: { kind: 'command', id: null } },
    now,
  );
}
