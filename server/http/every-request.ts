import { randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import type { AppContext } from '#server/context.ts';
import { RequestScope, withinRequest } from '#server/request-scope.ts';
import { clientAddress, isProxy } from './client-address.ts';
import { setSecurityHeaders } from './security-headers.ts';

/** Request ids that callers may choose: short, and harmless in a log. */
const CALLER_ID = /^[A-Za-z0-9._-]{1,128}$/;
/** Slower unary calls are logged as warnings. */
const SLOW_MS = 1_000;

/**
 * The first step of every request: gives it an id, sets the security headers, and reports its end to the log and the metrics.
 * `serve` runs in the scope of the request.
 */
export function everyRequest(app: AppContext, serve: RequestListener): RequestListener {
  const { trustedProxies, tls, publicUrl } = app.config;
  const isHttps = tls !== null || publicUrl?.startsWith('https:') === true;
  let warned = false;
  const warnOnce = (peer: string | undefined) => {
    if (warned) return;
    warned = true;
    app.log.warn(
      { peer },
      'Ignoring X-Forwarded-For from a peer that is not in TRUSTED_PROXIES. If the peer is your proxy, add it; otherwise ' +
        'all its users count as one address. This is logged once',
    );
  };
  return (request, response) => {
    const { headers, socket } = request;
    const peer = socket.remoteAddress;
    const chosen = headers['x-request-id'];
    const id = typeof chosen === 'string' && CALLER_ID.test(chosen) ? chosen : randomUUID();
    const address = clientAddress(peer, headers, trustedProxies);
    const scope = new RequestScope(id, address, { request, response });
    if (headers['x-forwarded-for'] !== undefined && !isProxy(peer, trustedProxies)) warnOnce(peer);
    response.setHeader('x-request-id', scope.requestId);
    setSecurityHeaders(response, isHttps);
    const path = request.url?.split('?', 1)[0] ?? '';
    response.once('close', () => {
      scope.end();
      reportRequestEnd(app, scope, path, response);
    });
    discardRest(request, response);
    withinRequest(scope, () => serve(request, response));
  };
}

/**
 * Reads and discards what an answered HTTP/1.1 request still sends, because the next request of its connection comes after it.
 * Node does so only for a body of which nothing was read. `requestTimeout` bounds the time.
 */
function discardRest(request: IncomingMessage, response: ServerResponse): void {
  if (request.httpVersionMajor !== 1) return;
  // The usual iterator destroys the request when its reader stops early; then nothing can read the rest.
  request[Symbol.asyncIterator] = () => request.iterator({ destroyOnReturn: false });
  response.once('finish', () => {
    if (request.complete) return;
    // The iterator's listener would keep `resume` from having an effect.
    request.removeAllListeners('readable');
    request.resume();
  });
}

/**
 * Logs the end of a request and counts it. Writes and refusals are logged at `info`, slow calls at `warn`; reads and files at
 * `debug`, because every open page polls. Headers, bodies, queries and tokens are never logged.
 */
function reportRequestEnd(
  { log, metrics }: AppContext,
  scope: RequestScope,
  path: string,
  response: ServerResponse,
): void {
  const milliseconds = Math.round((performance.now() - scope.began) * 10) / 10;
  const { requestId, method, protocol, userId } = scope;
  if (!scope.isCall) {
    if (log.isLevelEnabled('debug'))
      log.debug({ requestId, path, status: response.statusCode, milliseconds }, 'Request');
    return;
  }
  const code = scope.outcome();
  metrics.requestEnded(method, code, milliseconds / 1000);
  const slow = milliseconds > SLOW_MS && method?.methodKind === 'unary';
  const reads = method?.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
  const isRoutine = code === 'canceled' || (reads && code === 'ok');
  const level = slow ? 'warn' : isRoutine ? 'debug' : 'info';
  if (!log.isLevelEnabled(level)) return;
  const name = method === null ? path : `${method.parent.typeName}/${method.name}`;
  const about = { requestId, method: name, code, milliseconds, protocol, ...(userId && { userId }) };
  log[level](about, slow ? 'Slow call' : 'Call');
}
