import type { AppContext } from '#server/context.ts';
import { DatabaseFailure } from '#server/db/database-failure.ts';

/** The delivery is no longer this server's: cancelled, taken over, or the server stops. */
export class DeliveryLost extends Error {}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

/**
 * Does what may be done twice until the database takes it, with pauses that grow to a second. While the database is away
 * nobody else can take the delivery over; once it is back, the lease tells whose it is.
 * @throws DeliveryLost when the signal aborts before it is done; any error that is not the database's.
 */
export async function persistently<T>(
  app: AppContext,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    if (signal.aborted) throw new DeliveryLost('the delivery was given up');
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof DatabaseFailure)) throw error;
      await app.clock.sleep(pause, signal).catch(() => {});
    }
  }
}
