import type { AppContext } from '#server/context.ts';
import type { Executor } from '#server/db/database.ts';
import { failedPrecondition, notFound } from '#server/failure.ts';
import type { Caller } from '#server/features/access/service.ts';
import { wakeProject } from '#server/features/gate/wake.ts';
import { recordChange } from '#server/features/history/service.ts';
import type { PlaceCounts } from '#server/observe/metrics.ts';
import type { OrganisationScope, ProjectScope } from '#server/wire/scopes.ts';
import { publishEnd } from './service.ts';
import * as store from './store.ts';

/**
 * Records what a destination runs of a project: a build of it, or nothing. What was uncertain there is settled.
 * @throws Failure not_found (destination, artifact); failed_precondition while a deployment of the project runs there.
 */
export function settleDestination(
  app: AppContext,
  caller: Caller,
  scope: ProjectScope,
  request: { readonly destination: string; readonly artifactId: string | null; readonly reason: string },
): Promise<void> {
  const { destination, artifactId, reason } = request;
  const { organisationId, projectId } = scope;
  return app.db.transaction(async (tx) => {
    await wakeProject(tx, app, projectId);
    const [place] = await tx.run(store.lockPlace, [organisationId, destination, projectId]);
    if (place === undefined) throw notFound(`Destination "${destination}"`);
    // In a statement of its own, which sees the deliveries that the lock waited for.
    const [facts] = await tx.run(store.findSettlement, [place.destinationId, projectId, artifactId]);
    if (facts?.running) {
      throw failedPrecondition(
        `A deployment is running on destination "${destination}"; wait for it to end, or cancel it, then settle again`,
      );
    }
    if (artifactId !== null && facts?.slug == null) throw notFound(`Artifact ${artifactId}`);
    await tx.run(store.settlePlace, [place.destinationId, projectId, artifactId, app.clock.now()]);
    await recordChange(tx, app, caller, scope, 'destination.settled', destination, {
      before: { live: place.live, doubt: place.doubt },
      after: { live: facts?.slug ?? null, reason },
    });
  });
}

/** How many places are uncertain, destinations occupied, and environments on hold, for the metrics. */
export async function countPlaces(db: Executor): Promise<PlaceCounts> {
  const [counts] = await db.run(store.countPlaces, []);
  return counts ?? { uncertain: 0, occupied: 0, held: 0 };
}

/**
 * Frees a destination that a cancelled or timed-out delivery occupies.
 * @throws Failure not_found (destination); failed_precondition when none occupies it.
 */
export function freeDestination(
  app: AppContext,
  caller: Caller,
  { organisationId }: OrganisationScope,
  { destination, reason }: { readonly destination: string; readonly reason: string },
): Promise<void> {
  return app.db.transaction(async (tx) => {
    const [found] = await tx.run(store.findOccupying, [organisationId, destination]);
    if (found === undefined) throw notFound(`Destination "${destination}"`);
    const { id, intentId, projectId, slug } = found;
    const free = `No cancelled or timed-out delivery occupies destination "${destination}"`;
    if (id === null) throw failedPrecondition(free);
    await wakeProject(tx, app, projectId);
    const [freed] = await tx.run(store.freeDestination, [id, null, null]);
    if (freed === undefined) throw failedPrecondition(free);
    const scope = { organisationId, projectId, releaseIntentId: intentId };
    await recordChange(tx, app, caller, scope, 'destination.freed', destination, {
      before: { occupiedBy: slug },
      after: { reason },
    });
    tx.afterCommit(() => publishEnd(app, { id, intentId }));
  });
}
