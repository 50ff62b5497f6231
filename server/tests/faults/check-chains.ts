import type { ClientBase } from 'pg';
import type { Executor } from '#server/db/database.ts';
import { chainsOf, verifyChain } from '#server/features/history/verify-service.ts';

/** What does not fit in the chains of the history: nothing that happened to servers or database may break one. */
export async function checkChains(client: ClientBase): Promise<string[]> {
  const executor: Executor = {
    run: async ({ text }, params) => (await client.query({ text, values: [...params] })).rows,
  };
  const violations: string[] = [];
  for (const { chain, organisation } of await chainsOf(executor)) {
    const { fault } = await verifyChain(executor, chain);
    if (fault !== null)
      violations.push(`the history of ${organisation ?? 'no organisation'}: ${fault.words}`);
  }
  return violations;
}
