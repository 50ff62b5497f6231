import type { AppContext } from '#server/context.ts';
import type { DeliveryRun, Outcome } from '#server/destinations/destination-type.ts';
import { type LogLine, logLinesOf, MAX_LINES } from '#server/features/deliveries/log-lines.ts';
import { appendLogs, type Claim, markRunning } from '#server/features/deliveries/service.ts';
import { DeliveryLost, persistently } from './persistence.ts';

/** How soon a line of the log is stored, in milliseconds: several in a row make one statement. */
const FLUSH_MS = 100;

/**
 * Carries out one delivery by its destination's type. Rejects with `DeliveryLost` when the signal has aborted;
 * everything else that goes wrong is a failed release.
 */
export async function carryOut(app: AppContext, claim: Claim, signal: AbortSignal): Promise<Outcome> {
  const { type, delivery } = claim;
  if (type === undefined) {
    return {
      status: 'FAILED',
      errorMessage: `destination "${delivery.destination}" was deleted, or this server does not know its type ${claim.typeName}`,
    };
  }
  if (claim.problem !== null) return { status: 'FAILED', errorMessage: claim.problem };
  const log = bufferedLog(app, claim);
  const run: DeliveryRun = {
    log: log.add,
    async running() {
      // A database that is away for a moment is no fault of the destination's, and fails no release.
      if (!(await persistently(app, signal, () => markRunning(app, claim))))
        throw new DeliveryLost('the release is no longer this delivery’s');
    },
    signal,
  };
  try {
    return await type.deliver(delivery, run);
  } catch (error) {
    if (signal.aborted || error instanceof DeliveryLost) throw new DeliveryLost('the delivery was given up');
    // What a type throws is a fault of ours or of the database, not an answer of the destination.
    app.log.error({ err: error, releaseId: delivery.releaseId }, 'a delivery failed unexpectedly');
    return { status: 'FAILED', errorMessage: 'the delivery failed on the server’s side; its log has more' };
  } finally {
    await log.flush();
  }
}

function bufferedLog(app: AppContext, claim: Claim) {
  let waiting: LogLine[] = [];
  let timer: NodeJS.Timeout | null = null;
  let written: Promise<void> = Promise.resolve();
  let count = 0;

  const flush = (): Promise<void> => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    const lines = waiting;
    waiting = [];
    if (lines.length > 0) {
      written = written
        .then(() => appendLogs(app, claim, lines))
        // A log that cannot be written does not undo a deployment.
        .catch((error: unknown) => app.log.warn({ err: error }, 'could not store lines of a release’s log'));
    }
    return written;
  };

  return {
    flush,
    add(text: string, channel: LogLine['channel'] = 'stdout') {
      for (const line of logLinesOf([text], channel, app.clock.now())) {
        count += 1;
        if (count > MAX_LINES) return;
        waiting.push(count === MAX_LINES ? { ...line, line: `log cut after ${MAX_LINES} lines` } : line);
      }
      timer ??= setTimeout(flush, FLUSH_MS);
    },
  };
}
