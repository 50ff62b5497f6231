import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { DescMethod } from '@bufbuild/protobuf';
import { type RequestScope, requestScope } from '#server/request-scope.ts';

/** What a caller may name a request by: short, and harmless in a log. */
const GIVEN_ID = /^[A-Za-z0-9._-]{1,128}$/;

/** The scope of one request at the listener, with what the log and the metrics tell of it at its end. */
export class RequestRecord implements RequestScope {
  readonly requestId: string;
  readonly address: string | null;
  readonly userAgent: string | null;
  readonly began = performance.now();
  /** Set once the call has begun: aborts with its deadline and when the caller leaves. */
  signal: AbortSignal | null = null;
  /** Whether the request was for the API at all. */
  isCall = false;
  /** The method of the contract; null for what is none. */
  method: DescMethod | null = null;
  /** `connect`, `grpc` or `grpc-web`; null for what is no call. */
  protocol: string | null = null;
  userId: string | null = null;
  /** Set by the access interceptor. */
  credential: { readonly id: string; readonly kind: string } | null = null;
  /** Set by the access interceptor for a change that takes an admin. */
  admin: { readonly userId: string; readonly organisationId: string } | null = null;
  /** How the call ended, in the names of Connect's codes; null until that is known. */
  code: string | null = null;

  /** Seconds until there is room for a request that is too much by now; null: there is. */
  retryAfterSeconds: number | null = null;
  /** What is to be done at its end; null once that has come. */
  #atEnd: (() => void)[] | null = [];

  /** @param headers of the request: its `x-request-id` is taken if it is harmless, else the request gets a new id. */
  constructor(headers: IncomingHttpHeaders, address: string | null) {
    this.address = address;
    this.userAgent = headers['user-agent'] ?? null;
    const given = headers['x-request-id'];
    this.requestId = typeof given === 'string' && GIVEN_ID.test(given) ? given : randomUUID();
  }

  /** Does something once the answer has ended or the caller has left; at once, if that has happened. */
  atEnd(action: () => void): void {
    if (this.#atEnd === null) action();
    else this.#atEnd.push(action);
  }

  end(): void {
    const actions = this.#atEnd ?? [];
    this.#atEnd = null;
    for (const action of actions) action();
  }

  /** How the call ended, once its answer has: `ok`, or what it was refused with. */
  outcome(response: ServerResponse): string {
    return this.code ?? (response.writableFinished ? 'ok' : 'canceled');
  }
}

/** The record of the request that the calling code works for; null in a worker. */
export function requestRecord(): RequestRecord | null {
  const scope = requestScope();
  return scope instanceof RequestRecord ? scope : null;
}
