import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { DescMethod } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';

/** What a request presents as proof of its caller; it has not been verified. */
export interface Credential {
  readonly hash: Buffer;
  /** The secret of the cookie when the credential is a browser session, else null. */
  readonly sessionSecret: string | null;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** One request, available in everything that it calls; the log and the metrics report it when it ends. */
export class RequestScope {
  /** In every log line and every refusal, so that they can be matched. */
  readonly requestId: string;
  /** The normalised address of the client, as seen behind `TRUSTED_PROXIES`; null when it is unknown. */
  readonly address: string | null;
  /** The `User-Agent` header as sent. */
  readonly userAgent: string | null;
  readonly began = performance.now();
  /** Aborts when the caller leaves, the deadline passes, or the server shuts down; null until the call has begun. */
  signal: AbortSignal | null = null;
  /** Whether the request is for the API. */
  isCall = false;
  /** The called method; null when the contract does not have it. */
  method: DescMethod | null = null;
  /** `connect`, `grpc` or `grpc-web`; null outside of the API. */
  protocol: string | null = null;
  /** Whether the caller sends JSON, and so reads field names in camelCase. */
  sendsJson = false;
  /** The credential in the headers, before it is verified. */
  presented: Credential | null = null;
  /** Seconds until the rate limit admits the request; null when it does so now. */
  retryAfterSeconds: number | null = null;
  userId: string | null = null;
  /** The verified credential; null for anonymous callers, and before authentication. */
  credential: { readonly id: string; readonly kind: string } | null = null;
  /** Set for changes by an admin: each transaction checks first that the caller is still one. */
  admin: { readonly userId: string; readonly organisationId: string } | null = null;
  /** Whether the interceptors run; before that, Connect handles errors alone. */
  reachedInterceptors = false;
  /** Connect's name of the code with which the call was refused. */
  code: string | null = null;
  /** Actions to take at the end of the request; null once it has ended. */
  #atEnd: (() => void)[] | null = [];

  readonly #exchange: Exchange | null;

  constructor(requestId: string, address: string | null = null, exchange: Exchange | null = null) {
    this.requestId = requestId;
    this.address = address;
    this.userAgent = exchange?.request.headers['user-agent'] ?? null;
    this.#exchange = exchange;
  }

  /** The same request for work that must not be cancelled with it. */
  uncancelled(): RequestScope {
    return Object.assign(new RequestScope(this.requestId), this, { signal: null });
  }

  /** Ends the call without an answer, because its caller does not read it: cuts the connection, in HTTP/2 the stream. */
  cut(code: string): void {
    this.code = code;
    this.#exchange?.response.destroy();
  }

  /** Runs `action` when the response has ended or the caller has left; immediately if that has happened. */
  atEnd(action: () => void): void {
    if (this.#atEnd === null) action();
    else this.#atEnd.push(action);
  }

  /** Whether the response has ended or the caller has left. */
  get hasEnded(): boolean {
    return this.#atEnd === null;
  }

  end(): void {
    const actions = this.#atEnd ?? [];
    this.#atEnd = null;
    for (const action of actions) action();
  }

  /** The result of an ended call: `ok`, or the name of its error code. */
  outcome(): string {
    return this.code ?? (this.#exchange?.response.writableFinished ? 'ok' : 'canceled');
  }
}

const storage = new AsyncLocalStorage<RequestScope>();

/** The current request; null in a worker. */
export const requestScope = (): RequestScope | null => storage.getStore() ?? null;

/** The current request, in code that only requests run. */
export function currentRequest(): RequestScope {
  const scope = requestScope();
  if (scope === null) throw new Error('This runs in requests only');
  return scope;
}

/** Runs `work`, and everything that it starts, in the scope of a request. */
export const withinRequest = <T>(scope: RequestScope, work: () => T): T => storage.run(scope, work);

/** Runs `work` outside of any request: for work that a request starts but that must not end with it. */
export const outsideRequests = <T>(work: () => T): T => storage.exit(work);

/** Compared by identity, because `instanceof` does not distinguish subclasses of ConnectError. */
const shutdowns = new WeakSet<object>();

/** The reason with which requests' signals abort at shutdown: work that waits ends, work that runs may finish. */
export function serverShutdown(): ConnectError {
  const reason = new ConnectError('The server is shutting down. Try again.', Code.Unavailable);
  shutdowns.add(reason);
  return reason;
}

/** Whether the server's shutdown is the reason of an aborted signal. */
export const isServerShutdown = (reason: unknown): boolean =>
  typeof reason === 'object' && reason !== null && shutdowns.has(reason);

/** Whether the caller has left, so that the work of `signal` can be skipped. */
export const abandoned = (signal: AbortSignal): boolean => signal.aborted && !isServerShutdown(signal.reason);
