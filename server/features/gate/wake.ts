import type { AppContext } from '#server/context.ts';
import type { Statement, Transaction } from '#server/db/database.ts';
import { subjects } from '#server/signals/bus.ts';
import { wakeByArtifact, wakeByOrganisation, wakeByProject, wakeIntentById } from './store.ts';

/*
 * The transaction that changes a fact wakes the intents that the fact concerns: it raises their wanted generation, so
 * that nothing is lost when it crashes right after its commit, and signals once it has committed.
 */

type Wake = (tx: Transaction, app: AppContext, id: string) => Promise<void>;

const waker =
  (which: Statement<readonly [id: string], { id: string }>): Wake =>
  async (tx, app, id) => {
    const woken = await tx.run(which, [id]);
    tx.afterCommit(() => {
      for (const intent of woken) app.bus.publish(subjects.intentEvaluate, intent.id);
    });
  };

/** A fact of one intent changed: a vote, a plan's verdict, a finished delivery. */
export const wakeIntent: Wake = waker(wakeIntentById);
/** A policy of the project changed: all of its waiting intents. */
export const wakeProject: Wake = waker(wakeByProject);
/** A deployment of the artifact finished: soak times of all of its waiting intents. */
export const wakeArtifact: Wake = waker(wakeByArtifact);
/** Membership, roles or destinations of the organisation changed. */
export const wakeOrganisation: Wake = waker(wakeByOrganisation);
