import { randomUUID } from 'node:crypto';
import pg from 'pg';
import type { Statement } from '#server/db/database.ts';
import { castVote, roleNow } from '#server/features/approvals/store.ts';
import { intentFacts, lockIntent, wakeIntentById } from '#server/features/gate/store.ts';
import { appendHistory } from '#server/features/history/store.ts';
import type { ApprovalsWorld, Voter } from './approvals-world.ts';

/**
 * The transaction of ApproveRelease with nothing around it: the server's own statements, prepared by name, on a
 * connection of plain `pg`. Answers a function that votes once.
 */
export async function plainVoter(
  database: pg.ClientConfig,
  world: ApprovalsWorld,
  voter: Voter,
): Promise<{ vote(comment: string): Promise<void>; end(): Promise<void> }> {
  const client = new pg.Client(database);
  await client.connect();
  const send = <Params extends readonly unknown[], Row>(
    { name, text }: Statement<Params, Row>,
    values: Params,
  ) => client.query({ name, text, values: [...values] });
  const { releaseIntentId, userId, username } = voter;
  return {
    async vote(comment) {
      const now = new Date();
      const said = { environment: 'production', decision: 'approved', bypass: false, comment };
      await client.query('begin');
      await send(lockIntent, [releaseIntentId]);
      await send(intentFacts, [releaseIntentId]);
      await send(roleNow, [world.organisationId, userId]);
      await send(castVote, [
        randomUUID(),
        releaseIntentId,
        world.policyId,
        'production',
        userId,
        username,
        'approved',
        false,
        comment,
        now,
      ]);
      await send(appendHistory, [
        world.organisationId,
        world.projectId,
        releaseIntentId,
        now,
        'approval.approved',
        userId,
        username,
        'production',
        JSON.stringify(said),
        JSON.stringify(said),
      ]);
      await send(wakeIntentById, [releaseIntentId]);
      await client.query('commit');
    },
    end: () => client.end(),
  };
}
