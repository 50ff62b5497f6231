import { AsyncLocalStorage } from 'node:async_hooks';
import { Code, ConnectError } from '@connectrpc/connect';

/** What belongs to the request that is being answered, wherever its work has led to. */
export interface RequestScope {
  /** In every log line and in every refusal, so that the two can be brought together. */
  readonly requestId: string;
  /** Aborts when nobody waits for the answer any more: the caller left, their deadline passed, or the server stops. */
  readonly signal: AbortSignal | null;
  /** Where the request comes from, in one spelling; proxies in `TRUSTED_PROXIES` are looked behind. Null: from nowhere. */
  readonly address: string | null;
  /** What the caller's program calls itself, as it was sent. */
  readonly userAgent?: string | null;
  /** What the caller was let in by: the credential's id and kind, never its secret. Absent: not let in, or not yet. */
  readonly credential?: { readonly id: string; readonly kind: string } | null;
  /** Set while an admin changes something: each of its transactions makes sure that they are one still. */
  readonly admin?: { readonly userId: string; readonly organisationId: string } | null;
}

const storage = new AsyncLocalStorage<RequestScope>();

/** The request that the calling code works for; null in a worker. */
export const requestScope = (): RequestScope | null => storage.getStore() ?? null;

/** Runs `work`, and all that it starts, for a request. */
export const withinRequest = <T>(scope: RequestScope, work: () => T): T => storage.run(scope, work);

/** Runs `work` for nobody in particular: what a request set off and does not wait for, and must not end with it. */
export const outsideRequests = <T>(work: () => T): T => storage.exit(work);

/** Told apart by identity: to `instanceof` every ConnectError is one of any of its subclasses. */
const stops = new WeakSet<object>();

/** Why a request's signal aborts when the server stops: what only waits ends then, what has begun may finish. */
export function serverStops(): ConnectError {
  const reason = new ConnectError('the server is stopping; try again in a moment', Code.Unavailable);
  stops.add(reason);
  return reason;
}

/** Whether that is why a signal has aborted. */
export const isServerStop = (reason: unknown): boolean =>
  typeof reason === 'object' && reason !== null && stops.has(reason);

/** Whether nobody will see the answer of the work that `signal` belongs to, so that it may as well not be done. */
export const abandoned = (signal: AbortSignal): boolean => signal.aborted && !isServerStop(signal.reason);
