import type { ClientBase } from 'pg';
import type { Executor } from '#server/db/database.ts';
import { listChains, verifyChain } from '#server/features/history/verify-service.ts';

/** Returns invalid hash chains of the history; no fault may break one. */
export async function checkChains(client: ClientBase): Promise<string[]> {
  const executor: Executor = {
    run: async ({ text }, params) => (await client.query({ text, values: [...params] })).rows,
  };
  const violations: string[] = [];
  for (const { chain, organisation } of await listChains(executor)) {
    const { fault } = await verifyChain(executor, chain);
    if (fault !== null)
      violations.push(`the history of ${organisation ?? 'no organisation'}: ${fault.message}`);
  }
  return violations;
}
