import { AsyncLocalStorage } from 'node:async_hooks';

/** What belongs to the request that is being answered, wherever its work has led to. */
export interface RequestScope {
  /** In every log line and in every refusal, so that the two can be brought together. */
  readonly requestId: string;
  /** Aborts when nobody waits for the answer any more: the caller left, their deadline passed, or the server stops. */
  readonly signal: AbortSignal | null;
}

const storage = new AsyncLocalStorage<RequestScope>();

/** The request that the calling code works for; null in a worker. */
export const requestScope = (): RequestScope | null => storage.getStore() ?? null;

/** Runs `work`, and all that it starts, for a request. */
export const withinRequest = <T>(scope: RequestScope, work: () => T): T => storage.run(scope, work);

/** Runs `work` for nobody in particular: what a request set off and does not wait for, and must not end with it. */
export const outsideRequests = <T>(work: () => T): T => storage.exit(work);
