import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { outsideRequests } from '#server/request-scope.ts';

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;
/** So that listeners whose work fails do not begin it again and again. */
const AFTER_MS = 250;
const PATIENCE_MS = 2_000;
const TELL_EVERY_MS = 10_000;

interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface Presence {
  /** Something looked as if the database were lost: begins to look for it, unless that is under way. */
  doubt(): void;
  /** Calls `listener` when the database is there again, until the returned function is called. */
  onBack(listener: () => void): () => void;
  stop(): void;
}

/**
 * Looks for a database that was lost, by connections of its own, with pauses that grow to a second; says so in the log
 * once, every ten seconds, and when it is back. While nothing is lost it does nothing.
 */
export function createPresence(connection: pg.ClientConfig, log: Log): Presence {
  const listeners = new Set<() => void>();
  const stopping = new AbortController();
  let looking = false;
  let doubted = false;

  const pause = (milliseconds: number) =>
    sleep(milliseconds, undefined, { ref: false, signal: stopping.signal }).catch(() => {});

  /** Until it is there. */
  const search = async (): Promise<void> => {
    const began = performance.now();
    let told = Number.NEGATIVE_INFINITY;
    for (let wait = FIRST_PAUSE_MS; ; wait = Math.min(wait * 2, LONGEST_PAUSE_MS)) {
      const problem = await reach(connection);
      if (problem === null || stopping.signal.aborted) break;
      const now = performance.now();
      if (now - told >= TELL_EVERY_MS) {
        told = now;
        log.warn({ problem: problem.message }, 'the database is away; looking for it until it is back');
      }
      await pause(wait);
    }
    if (told > 0) log.info({ ms: Math.round(performance.now() - began) }, 'the database is back');
  };
  const look = async (): Promise<void> => {
    while (doubted && !stopping.signal.aborted) {
      await search();
      // What fails from here on, such as the work of a listener, is a doubt of its own.
      doubted = false;
      if (!stopping.signal.aborted) for (const listener of listeners) listener();
      await pause(AFTER_MS);
    }
  };

  return {
    doubt() {
      doubted = true;
      if (looking || stopping.signal.aborted) return;
      looking = true;
      // A request may have noticed it; what is done about it is nobody's in particular, and must not end with that request.
      void outsideRequests(look).finally(() => {
        looking = false;
      });
    },
    onBack(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop: () => stopping.abort(),
  };
}

/** What stands in the way of a round trip; null when nothing does. */
async function reach(connection: pg.ClientConfig): Promise<Error | null> {
  const client = new pg.Client({
    ...connection,
    connectionTimeoutMillis: PATIENCE_MS,
    query_timeout: PATIENCE_MS,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('select 1');
    return null;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  } finally {
    await client.end().catch(() => {});
  }
}
