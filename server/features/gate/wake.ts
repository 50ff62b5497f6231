import type { AppContext } from '#server/context.ts';
import type { Statement, Transaction } from '#server/db/database.ts';
import { subjects } from '#server/signals/bus.ts';
import * as store from './store.ts';

/*
 * The transaction that changes a fact wakes the intents that depend on it: it raises their wanted generation, so that they are
 * evaluated even after a crash, and signals them after the commit.
 *
 * All transactions take locks in one order: projects and artifacts, then intents, each by id, then what they refer to
 * (policies, destinations, releases), so a transaction that locks one of these wakes first. The heads of the history's chains
 * follow just before the commit, and the change numbers (0013_change_numbers.sql) within it.
 */

type Wake = (tx: Transaction, app: AppContext, id: string) => Promise<void>;

/** Signals woken intents after the commit. */
function signal(tx: Transaction, app: AppContext, woken: readonly { readonly id: string }[]): void {
  tx.afterCommit(() => {
    for (const intent of woken) app.bus.publish(subjects.intentEvaluate, intent.id);
  });
}

const waker =
  (
    which: Statement<readonly [id: string], { id: string }>,
    hold: Statement<readonly [id: string], unknown> | null,
  ): Wake =>
  async (tx, app, id) => {
    // In a separate statement, because only a new snapshot contains the releases that this waited for.
    if (hold !== null) await tx.run(hold, [id]);
    signal(tx, app, await tx.run(which, [id]));
  };

/** A fact of one intent changed: a vote, a plan's verdict, a finished plan. */
export const wakeIntent: Wake = waker(store.wakeIntentById, null);
/** A policy of the project changed, or what runs at a destination: all of its waiting intents. */
export const wakeProject: Wake = waker(store.wakeByProject, store.holdProject);
/**
 * Something was deployed in an environment of the project, or may have been: its releases that have yet to deploy there, or soak
 * there. The transaction holds the project (`holdProject`).
 * @param exceptId an intent that is locked with them, and not woken
 */
export async function wakePlace(
  tx: Transaction,
  app: AppContext,
  projectId: string,
  environment: string,
  exceptId: string | null = null,
): Promise<void> {
  signal(tx, app, await tx.run(store.wakeByPlace, [projectId, environment, exceptId]));
}

/**
 * A delivery of an intent has ended. Wakes the intent, which the transaction has locked, unless other deliveries of the stage are open
 * and no stage waits for anything: then the end changes nothing yet, and a release to a thousand destinations is evaluated once.
 */
export async function wakeAfterDelivery(
  tx: Transaction,
  app: AppContext,
  intentId: string,
  stageId: string,
): Promise<void> {
  signal(tx, app, await tx.run(store.wakeAfterDelivery, [intentId, stageId]));
}
/** Membership, roles or destinations of the organisation changed. */
export const wakeOrganisation: Wake = waker(store.wakeByOrganisation, store.holdOrganisation);

/** Blocks new releases of the project until the transaction ends, for callers that lock intents before they wake them. */
export async function holdProject(tx: Transaction, projectId: string): Promise<void> {
  await tx.run(store.holdProject, [projectId]);
}

/** Called before a release is inserted: a concurrent change of its facts either commits before this returns, or wakes it. */
export async function waitForWakers(tx: Transaction, artifactId: string): Promise<void> {
  await tx.run(store.lockForRequest, [artifactId]);
}
