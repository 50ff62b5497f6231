import type { AppContext } from '#server/context.ts';
import { metadataOf, typeOf } from './claim.ts';
import * as store from './store.ts';

const TIMEOUT_MS = 10_000;

/**
 * Tells the destination of a cancelled delivery, if its settings ask for that. Once and without a guarantee: the destination
 * stays occupied in any case.
 */
export async function sendCancelMessage(app: AppContext, releaseId: string): Promise<void> {
  try {
    const [row] = await app.db.run(store.findRelease, [releaseId]);
    const type = row && typeOf(app, row);
    if (row === undefined || type?.cancel === undefined) return;
    const { intentId: releaseIntentId, run, organisation, project, environment, destination } = row;
    const { metadata, problem } = metadataOf(app, row);
    if (problem !== null) throw new Error(problem);
    const place = { organisation, project, environment, destination, metadata };
    const signal = AbortSignal.any([app.stopping, AbortSignal.timeout(TIMEOUT_MS)]);
    await type.cancel({ releaseId, releaseIntentId, run, ...place }, signal);
  } catch (error) {
    app.log.warn({ err: error, releaseId }, 'could not send a cancel message');
  }
}
