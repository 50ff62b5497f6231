import type { AppContext } from '#server/context.ts';
import type { Statement, Transaction } from '#server/db/database.ts';
import { subjects } from '#server/signals/bus.ts';
import * as store from './store.ts';

/*
 * The transaction that changes a fact wakes the intents that the fact concerns: it raises their wanted generation, so
 * that nothing is lost when it crashes right after its commit, and signals once it has committed.
 *
 * Order of locks everywhere: projects and artifacts, then intents, each by id, then what they refer to (policies,
 * destinations, releases). So whoever locks one of the latter wakes, or holds, first. The heads of the history's chains are
 * last of all, by organisation: `record` sends its entries with the COMMIT, and nothing is locked after them.
 */

type Wake = (tx: Transaction, app: AppContext, id: string) => Promise<void>;

const waker =
  (
    which: Statement<readonly [id: string], { id: string }>,
    hold: Statement<readonly [id: string], unknown> | null,
  ): Wake =>
  async (tx, app, id) => {
    // A statement of its own: only a new snapshot has the releases that this one waited for.
    if (hold !== null) await tx.run(hold, [id]);
    const woken = await tx.run(which, [id]);
    tx.afterCommit(() => {
      for (const intent of woken) app.bus.publish(subjects.intentEvaluate, intent.id);
    });
  };

/** A fact of one intent changed: a vote, a plan's verdict, a finished delivery. */
export const wakeIntent: Wake = waker(store.wakeIntentById, null);
/** A policy of the project changed: all of its waiting intents. */
export const wakeProject: Wake = waker(store.wakeByProject, store.holdProject);
/** A deployment of the artifact finished: soak times of all of its waiting intents. */
export const wakeArtifact: Wake = waker(store.wakeByArtifact, store.holdArtifact);
/** Membership, roles or destinations of the organisation changed. */
export const wakeOrganisation: Wake = waker(store.wakeByOrganisation, store.holdOrganisation);

/** For whoever locks intents of an artifact before it wakes them: keeps new ones out until the transaction ends. */
export async function holdArtifact(tx: Transaction, artifactId: string): Promise<void> {
  await tx.run(store.holdArtifact, [artifactId]);
}

/**
 * Before a release of the artifact is written down: what changes its facts at this moment is either committed after this,
 * or finds the release and wakes it.
 */
export async function meetWakers(tx: Transaction, artifactId: string): Promise<void> {
  await tx.run(store.shareArtifact, [artifactId]);
}
