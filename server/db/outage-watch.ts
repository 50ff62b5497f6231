import { setTimeout as sleep } from 'node:timers/promises';
import pRetry from 'p-retry';
import { outsideRequests } from '#server/request-scope.ts';
import { type ClientConfig, requireWritable } from './client.ts';
import { withClient } from './connect.ts';
import { atMostOncePer, type Log } from './log.ts';

const MIN_PAUSE_MS = 50;
const MAX_PAUSE_MS = 1_000;
/** Prevents a busy loop of listeners whose work fails. */
const PAUSE_AFTER_MS = 250;
const TIMEOUT_MS = 2_000;
const LOG_EVERY_MS = 10_000;

export interface OutageWatch {
  /** Reports that the database may be unavailable: starts to check it, unless a check is running. */
  suspect(): void;
  /** Calls `listener` after an outage, once the database is available again, until the returned function is called. */
  onReconnect(listener: () => void): () => void;
  stop(): void;
}

/** Waits for an unavailable database with its own connections. Logs the outage every ten seconds, and its end. */
export function watchForOutages(connection: ClientConfig, log: Log): OutageWatch {
  const listeners = new Set<() => void>();
  const stopping = new AbortController();
  const { signal } = stopping;
  const limits = { connectionTimeoutMillis: TIMEOUT_MS, query_timeout: TIMEOUT_MS };
  const ping = () => withClient({ ...connection, ...limits }, requireWritable);
  let watching = false;
  let suspected = false;

  const waitUntilReachable = async (): Promise<void> => {
    const began = performance.now();
    const warn = atMostOncePer(LOG_EVERY_MS, log);
    let failed = false;
    await pRetry(ping, {
      retries: Number.POSITIVE_INFINITY,
      minTimeout: MIN_PAUSE_MS,
      maxTimeout: MAX_PAUSE_MS,
      signal,
      onFailedAttempt: ({ error }) => {
        failed = true;
        warn({ problem: error.message }, 'the database is unavailable; retrying');
      },
    });
    if (failed) log.info({ ms: Math.round(performance.now() - began) }, 'the database is available again');
  };
  const watch = async (): Promise<void> => {
    while (suspected) {
      await waitUntilReachable();
      // A failure after this, for example in a listener, starts another check.
      suspected = false;
      for (const listener of listeners) listener();
      await sleep(PAUSE_AFTER_MS, undefined, { ref: false, signal });
    }
  };

  return {
    suspect() {
      suspected = true;
      if (watching || signal.aborted) return;
      watching = true;
      // The check may be started by a request, but must not end with it.
      outsideRequests(watch)
        .catch((error: unknown) => {
          if (!signal.aborted) log.warn({ err: error }, 'checking the database failed');
        })
        .finally(() => {
          watching = false;
        });
    },
    onReconnect(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop: () => stopping.abort(),
  };
}
