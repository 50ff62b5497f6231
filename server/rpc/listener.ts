import type { IncomingHttpHeaders, RequestListener } from 'node:http';
import type { JsonReadOptions, JsonWriteOptions } from '@bufbuild/protobuf';
import { Code, ConnectError, type HandlerContext } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import type { AppContext } from '#server/context.ts';
import { exhausted } from '#server/failure.ts';
import { unauthenticated } from '#server/features/access/service.ts';
import { LONGEST_TIMER_MS } from '#server/limits.ts';
import type { SpanAttributes } from '#server/observe/tracing.ts';
import { currentRequest, type RequestScope } from '#server/request-scope.ts';
import { accessInterceptor } from './access-interceptor.ts';
import { accessRuleOf } from './access-table.ts';
import { methodsByPath } from './contract.ts';
import { credentialOf } from './credential.ts';
import { connectErrorOf, errorInterceptor, finishEarlyErrors } from './errors.ts';
import { RequestRates } from './limits.ts';
import { problemOf, refuse, sendsJson } from './refuse.ts';
import { MAX_MESSAGE_BYTES, routes } from './router.ts';
import { answerUnchanged } from './unchanged.ts';

/** Paths of calls: our contract, and the standard services of gRPC. */
const CALL = /^\/(forest\.v1|grpc\.health\.v1|grpc\.reflection\.v1)\./;

/** Refuses unknown JSON fields, so that a misspelt one is noticed, and text that is not UTF-8. */
const jsonOptions: Partial<JsonReadOptions & JsonWriteOptions> & {
  textDecoder: InstanceType<typeof TextDecoder>;
} = {
  ignoreUnknownFields: false,
  textDecoder: new TextDecoder('utf-8', { fatal: true }),
};

/**
 * Smaller answers are sent as they are: they fit in the first ten packets of a connection (RFC 6928), so compression would save no
 * round trip, and it costs more time than all else that Connect does for a changed poll.
 */
const COMPRESS_MIN_BYTES = 14 * 1024;

/** The units of `grpc-timeout` in milliseconds; in the others its 8 digits are less than two days. */
const LONG_UNITS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000 };

/**
 * Serves the API by Connect, gRPC and gRPC-web; all other requests go to `fallback`.
 * @param shutdownSignal ends open streams with its reason
 */
export function rpcListener(
  app: AppContext,
  fallback: RequestListener,
  shutdownSignal: AbortSignal,
): RequestListener {
  const rates = new RequestRates(app.config.rateLimitPerMinute);
  const adapter = connectNodeAdapter({
    routes: routes(app),
    interceptors: [errorInterceptor(app.log), accessInterceptor(app)],
    readMaxBytes: MAX_MESSAGE_BYTES,
    compressMinBytes: COMPRESS_MIN_BYTES,
    shutdownSignal,
    jsonOptions,
    requestGate: (context) => beforeBody(app, context),
  });
  const unchanged = answerUnchanged(app);
  return (request, response) => {
    // The earlier version has the same messages.
    request.url = request.url?.replace(/^\/grpc\.reflection\.v1alpha\./, '/grpc.reflection.v1.');
    const path = request.url?.split('?', 1)[0] ?? '';
    if (!CALL.test(path)) return fallback(request, response);
    const scope = currentRequest();
    const method = methodsByPath.get(path);
    Object.assign(scope, { isCall: true, method: method ?? null, sendsJson: sendsJson(request) });
    const problem = problemOf(path, method, request);
    if (problem !== null) return refuse(request, response, problem);
    const header = { get: (name: string) => request.headers[name]?.toString() ?? null };
    dropFarDeadline(request.headers);
    scope.presented = credentialOf(header, app.config);
    limitRate(rates, scope);
    const span = app.tracing.request(path.slice(1), request.headers, { 'rpc.method': path.slice(1) });
    // Unless a handler sets another header.
    if (request.method === 'GET') response.setHeader('cache-control', 'no-store');
    const serve = () => adapter(request, response);
    const answer = () => (scope.retryAfterSeconds === null ? unchanged(request, response, serve) : serve());
    if (span === null) return answer();
    response.once('close', () => span.end(scope.outcome(), spanAttributes(scope)));
    span.run(answer);
  };
}

/** Serves a call without its deadline if that is too far away for Connect's timer. */
function dropFarDeadline(headers: IncomingHttpHeaders): void {
  const [, count, unit = ''] = /^(\d{1,8})([HMS])$/.exec(String(headers['grpc-timeout'])) ?? [];
  if (Number(count) * (LONG_UNITS[unit] ?? 0) > LONGEST_TIMER_MS) delete headers['grpc-timeout'];
  if (Number(/^\d{10}$/.exec(String(headers['connect-timeout-ms']))) > LONGEST_TIMER_MS)
    delete headers['connect-timeout-ms'];
}

/** Counts the request; `beforeBody` refuses it when it is over the limit. */
function limitRate(rates: RequestRates, scope: RequestScope): void {
  const hash = scope.presented?.hash ?? null;
  scope.retryAfterSeconds = rates.count(hash, scope.address);
  scope.atEnd(() => {
    if (hash !== null && scope.userId !== null) rates.verified(hash, scope.address);
  });
}

const spanAttributes = (scope: RequestScope): SpanAttributes => ({
  'rpc.system.name': scope.protocol === 'connect' ? 'connectrpc' : 'grpc',
  'rpc.response.status_code': scope.outcome(),
  'forage.request_id': scope.requestId,
});

/** Refuses calls before their body is read: over the rate limit, without credentials, or too late. */
function beforeBody(app: AppContext, { method, protocolName, signal }: HandlerContext): void {
  const scope = currentRequest();
  scope.signal = signal;
  scope.protocol = protocolName;
  finishEarlyErrors(signal, scope);
  if (scope.retryAfterSeconds !== null) {
    const message = `Rate limit exceeded; retry in ${scope.retryAfterSeconds} s`;
    throw connectErrorOf(exhausted(message, scope.retryAfterSeconds), app.log);
  }
  if (scope.presented === null && accessRuleOf(method).need !== 'public')
    throw connectErrorOf(unauthenticated(), app.log);
  if (signal.reason instanceof ConnectError && signal.reason.code === Code.DeadlineExceeded)
    throw signal.reason;
}
