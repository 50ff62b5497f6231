import { checkRetry } from '#domain/release/caller-rules.ts';
import { releasesToRetry, retryStage as retried } from '#domain/release/retry.ts';
import type { AppContext } from '#server/context.ts';
import { Failure, notFound } from '#server/failure.ts';
import type { Caller } from '#server/features/access/service.ts';
import { subjectOf } from '#server/features/gate/facts.ts';
import { advanceIntent, lockForCaller } from '#server/features/gate/service.ts';
import { holdProject } from '#server/features/gate/wake.ts';
import { recordChange } from '#server/features/history/service.ts';
import type { ProjectScope } from '#server/wire/scopes.ts';
import { requireAllowed } from './service.ts';
import * as store from './store.ts';

/**
 * Retries a failed stage: its deliveries that did not succeed get another run, and it and the stages that were cancelled because
 * of it are open again. Votes stay, and the gate is evaluated as always.
 * @throws Failure not_found; permission_denied unless the caller is an author or admin; failed_precondition (see `checkRetry`);
 * already_exists with the id of another active release of the build to the same environment.
 */
export async function retryStage(
  app: AppContext,
  caller: Caller,
  scope: ProjectScope,
  { releaseIntentId, stageId }: { readonly releaseIntentId: string; readonly stageId: string },
): Promise<void> {
  await app.db.transaction(async (tx) => {
    const now = app.clock.now();
    // No release of the build is requested meanwhile. Projects are locked before intents.
    await holdProject(tx, scope.projectId);
    const { facts, role } = await lockForCaller(tx, now, caller, scope, releaseIntentId);
    const stage = facts.stages.find((one) => one.id === stageId);
    if (stage === undefined) throw notFound(`Stage "${stageId}"`);
    const places = stage.kind.type === 'wait' ? [] : (facts.places.get(stage.kind.environment) ?? []);
    const author = { role, isAuthor: facts.authors.has(caller.userId) };
    requireAllowed(checkRetry(author, stage, subjectOf(facts).build, places, now));
    const stages = retried(facts.stages, stageId);
    const open = stages.filter((one) => !facts.stages.includes(one)).map(({ id }) => id);
    const [other] = await tx.run(store.findOverlappingRetry, [releaseIntentId, open]);
    if (other !== undefined) {
      const message = `This artifact already has an active release to ${other.environment}: ${other.id}`;
      throw new Failure('already_exists', message, { releaseIntentId: other.id });
    }
    await tx.run(store.reopenIntent, [releaseIntentId]);
    const destinations = releasesToRetry(stage).map(({ destinationName }) => destinationName);
    const subject = `${stageId} for ${facts.intent.slug}`;
    await recordChange(tx, app, caller, { ...scope, releaseIntentId }, 'stage.retried', subject, {
      after: { stage: stageId, destinations },
    });
    await advanceIntent(tx, app, { ...facts, intent: { ...facts.intent, status: 'ACTIVE' } }, stages);
  });
}
