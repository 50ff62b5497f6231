import pRetry from 'p-retry';
import type { AppContext } from '#server/context.ts';
import { DatabaseFailure } from '#server/db/database-failure.ts';
import type { DeliveryRun, Outcome } from '#server/destinations/destination-type.ts';
import type { Claim } from '#server/features/deliveries/claim.ts';
import { fitToLog, type LogLine, logLinesOf } from '#server/features/deliveries/log-lines.ts';
import { appendLogs, markRunning } from '#server/features/deliveries/service.ts';

/** The delivery is no longer this server's: cancelled, taken over, or the server is stopping. */
export class DeliveryLost extends Error {}

/** Does a delivery's work on the database when it is its organisation's turn. */
export type Write = <T>(work: () => Promise<T>) => Promise<T>;

const FIRST_RETRY_MS = 50;
const MAX_RETRY_MS = 1_000;

/**
 * Retries idempotent work until the database is available. No other server can take a delivery over while the database is
 * down; afterwards the lease decides who owns it.
 * @throws the signal's reason when it aborts first; errors that the database is not the cause of.
 */
export const retryUntilStored = <T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> =>
  pRetry(work, {
    retries: Number.POSITIVE_INFINITY,
    minTimeout: FIRST_RETRY_MS,
    maxTimeout: MAX_RETRY_MS,
    signal,
    shouldRetry: ({ error }) => error instanceof DatabaseFailure,
  });

/**
 * Delivers a release by its destination's type. Any error except an aborted `signal` is a failed release.
 * @throws DeliveryLost when the signal aborts.
 */
export async function runDelivery(
  app: AppContext,
  claim: Claim,
  signal: AbortSignal,
  write: Write,
): Promise<Outcome> {
  const { type, delivery } = claim;
  if (type === undefined) {
    const errorMessage = `destination "${delivery.destination}" was deleted, or this server does not know its type ${claim.typeLabel}`;
    return { status: 'FAILED', errorMessage, reported: false };
  }
  if (claim.problem !== null) return { status: 'FAILED', errorMessage: claim.problem, reported: false };
  const log = storedLog(app, claim, write);
  const run: DeliveryRun = {
    log: log.add,
    async running() {
      const deadline = await retryUntilStored(signal, () => write(() => markRunning(app, claim, false)));
      if (deadline === null) throw new DeliveryLost('the lease has expired');
    },
    signal,
  };
  try {
    return await type.deliver(delivery, run);
  } catch (error) {
    if (signal.aborted || error instanceof DeliveryLost) throw new DeliveryLost('the delivery was aborted');
    // A type reports failures of its destination as outcomes, so this is an error of the server.
    app.log.error({ err: error, releaseId: delivery.releaseId }, 'a delivery failed unexpectedly');
    const errorMessage = 'internal server error; the server log has the details';
    return { status: 'FAILED', errorMessage, reported: false };
  } finally {
    await log.flushed();
  }
}

/** Stores lines in order, without making the delivery wait. */
function storedLog(app: AppContext, claim: Claim, write: Write) {
  let stored: Promise<void> = Promise.resolve();
  let count = 0;
  return {
    add(text: string, channel: LogLine['channel'] = 'stdout') {
      const lines = fitToLog(logLinesOf([text], channel, app.clock.now()), count);
      count += lines.length;
      if (lines.length === 0) return;
      stored = stored
        .then(() => write(() => appendLogs(app, claim, lines)))
        // A deployment does not fail because its log cannot be stored.
        .catch((error: unknown) => app.log.warn({ err: error }, 'could not store log lines of a release'));
    },
    flushed: () => stored,
  };
}
