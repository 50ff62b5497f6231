import type { AppContext } from '#server/context.ts';
import type { Transaction } from '#server/db/database.ts';
import { Failure, notFound } from '#server/failure.ts';
import type { Caller } from '#server/features/access/service.ts';
import { wakeOrganisation } from '#server/features/gate/wake.ts';
import { recordAccount } from '#server/features/history/service.ts';
import { listMemberships } from '#server/features/organisations/service.ts';
import { LIMITS } from '#server/limits.ts';
import * as store from './store.ts';

/** The caller's commit addresses, in order. */
export async function listAddresses(app: AppContext, { userId }: Caller): Promise<string[]> {
  return (await app.db.run(store.listAddresses, [userId])).map(({ address }) => address);
}

/**
 * Adds an address that the caller's commits have: builds whose source names it have the caller as an author. Other members may
 * list it too. An address that the caller has already, in any case, stays as it is.
 * @returns the address as stored
 * @throws Failure `resource_exhausted` when the caller has 20 addresses.
 */
export async function addAddress(app: AppContext, caller: Caller, address: string): Promise<string> {
  const { userId, username } = caller;
  return await change(app, caller, async (tx) => {
    const existing = (await tx.run(store.listAddresses, [userId])).map((row) => row.address);
    const same = existing.find((one) => one.toLowerCase() === address.toLowerCase());
    if (same !== undefined) return same;
    if (existing.length >= LIMITS.commitAddressesPerUser)
      throw new Failure(
        'resource_exhausted',
        `You have ${LIMITS.commitAddressesPerUser} commit addresses. Remove one first.`,
      );
    await tx.run(store.insertAddress, [userId, address, app.clock.now()]);
    const kind = 'account.commit_address_added';
    const subject = `commit address ${address} of ${username}`;
    await recordAccount(tx, app, userId, caller, { kind, subject, after: { address } });
    return address;
  });
}

/**
 * Removes one of the caller's commit addresses. The caller stays an author of builds that were annotated before.
 * @throws Failure `not_found`.
 */
export async function removeAddress(app: AppContext, caller: Caller, address: string): Promise<void> {
  const { userId, username } = caller;
  await change(app, caller, async (tx) => {
    const [removed] = await tx.run(store.deleteAddress, [userId, address]);
    if (removed === undefined) throw notFound(`Commit address "${address}"`);
    const kind = 'account.commit_address_removed';
    const subject = `commit address ${removed.address} of ${username}`;
    await recordAccount(tx, app, userId, caller, { kind, subject, before: removed });
  });
}

/** Changes the caller's addresses, one change after the other, and wakes the releases whose authors depend on them. */
async function change<T>(
  app: AppContext,
  { userId }: Caller,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const organisations = await listMemberships(app, userId);
  const ids = organisations.map(({ organisationId }) => organisationId).sort();
  return await app.db.transaction(async (tx) => {
    for (const id of ids) await wakeOrganisation(tx, app, id);
    await tx.run(store.lockUser, [userId]);
    return await work(tx);
  });
}
