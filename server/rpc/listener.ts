import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { DescMethod, JsonReadOptions, JsonWriteOptions } from '@bufbuild/protobuf';
import { Code, ConnectError, createContextValues, type HandlerContext } from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import { exhausted } from '#server/failure.ts';
import { unauthenticated } from '#server/features/access/service.ts';
import { bodyDeadline } from '#server/http/body-deadline.ts';
import { type RequestRecord, requestRecord } from '#server/http/request-record.ts';
import { notModified, revalidate } from '#server/http/revalidate.ts';
import type { SpanAttributes } from '#server/observe/tracing.ts';
import { accessInterceptor } from './access-interceptor.ts';
import { accessRuleOf, services } from './access-table.ts';
import { credentialOf } from './credential.ts';
import { connectErrorOf, errorInterceptor } from './errors.ts';
import { explainRefusal, isLate } from './explain-refusal.ts';
import { nodeAdapter } from './node-adapter.ts';
import { type Asked, askedKey, Polls } from './polls.ts';
import { refuse } from './refuse.ts';
import { type Problem, problemOf } from './request-problem.ts';
import { RequestRates } from './request-rates.ts';
import { routes } from './router.ts';

/** Larger messages are refused with `resource_exhausted`, before they are read whole. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
/** The same for methods that anybody may call: reading and checking a message costs before it is known who sent it. */
const MAX_ANYBODY_BYTES = 64 * 1024;
/** How much longer than a message a stream of them may take to arrive. */
const STREAM_PATIENCE = 20;
/** Addresses of calls: our contract, and the standard services of gRPC. */
const CALL = /^\/(forest\.v1|grpc\.health\.v1|grpc\.reflection\.v1)\./;

const methods: ReadonlyMap<string, DescMethod> = new Map(
  Object.values(services).flatMap((service) =>
    service.methods.map((method) => [`/${service.typeName}/${method.name}`, method]),
  ),
);

/** JSON is UTF-8; the lenient reading would store other characters than were sent. */
const jsonOptions: Partial<JsonReadOptions & JsonWriteOptions> & {
  textDecoder: InstanceType<typeof TextDecoder>;
} = {
  ignoreUnknownFields: true,
  textDecoder: new TextDecoder('utf-8', { fatal: true }),
};

/**
 * Answers every request of the API, by Connect, gRPC or gRPC-web, and hands the others to `fallback`. What cannot be a
 * call (an unknown method, another content type) is refused in the caller's protocol too.
 */
export function rpcListener(
  app: AppContext,
  fallback: RequestListener,
  shutdownSignal: AbortSignal,
): RequestListener {
  const polls = new Polls(app);
  const rates = new RequestRates(app.config.rateLimitPerMinute);
  const asking = new WeakMap<IncomingMessage, Asked>();
  const handlers = routes(app);
  const interceptors = [errorInterceptor(app.log), accessInterceptor(app)];
  const adapter = (readMaxBytes: number) =>
    nodeAdapter(
      {
        routes: handlers,
        interceptors,
        readMaxBytes,
        shutdownSignal,
        jsonOptions,
        requestGate: (context) => gate(app, context),
        contextValues: (request) =>
          createContextValues().set(askedKey, asking.get(request as IncomingMessage) ?? null),
      },
      app.log,
    );
  const serveUsers = adapter(MAX_MESSAGE_BYTES);
  const serveAnybody = adapter(MAX_ANYBODY_BYTES);
  const answerInFull = (request: IncomingMessage, response: ServerResponse) => {
    const serve = isForAnybody(requestRecord()?.method ?? null) ? serveAnybody : serveUsers;
    const asked = asking.get(request);
    // Only methods without side effects, which answer with one message, have come this far by GET.
    if (request.method === 'GET') {
      revalidate(request, response, (etag) => asked !== undefined && polls.remember(asked, etag));
    }
    try {
      serve(request, response);
    } catch (error) {
      // Whatever Node lets through and Connect cannot read must end one request, not the server.
      refuse(request, response, 400, connectErrorOf(error, app.log));
    }
  };
  /** `check` says what is wrong with the request as such, where that was left for later. */
  const answer = async (
    request: IncomingMessage,
    response: ServerResponse,
    asked: Asked | null,
    check: () => Problem | null,
  ) => {
    const header = { get: (name: string) => request.headers[name]?.toString() ?? null };
    const secretHash = credentialOf(header, app.config)?.hash ?? null;
    const tooMuch = countRequest(app, rates, secretHash);
    if (asked !== null && secretHash !== null && !tooMuch) {
      const etag = await polls.unchanged(asked, secretHash);
      if (etag !== null) {
        const record = requestRecord();
        if (record !== null) {
          record.userId = asked.authorized?.caller.userId ?? null;
          record.protocol = 'connect';
        }
        return notModified(response, etag);
      }
      asking.set(request, asked);
    }
    const problem = check();
    if (problem !== null) return refuse(request, response, problem.status, problem.error);
    answerInFull(request, response);
  };
  return (request, response) => {
    const path = request.url?.split('?', 1)[0] ?? '';
    if (!CALL.test(path)) return fallback(request, response);
    const record = requestRecord();
    const method = methods.get(path);
    if (record !== null) {
      record.isCall = true;
      record.method = method ?? null;
    }
    // A poll that is known is read only if it has to be answered in full.
    const asked = request.method === 'GET' ? polls.asked(request, path) : null;
    const isKnown = asked !== null && asked.addressed !== null;
    const check = () => problemOf(path, method, request);
    const problem = isKnown ? null : check();
    if (problem !== null) return refuse(request, response, problem.status, problem.error);
    if (method !== undefined && request.method === 'POST') {
      const seconds = app.config.bodySeconds * (takesStream(method) ? STREAM_PATIENCE : 1);
      bodyDeadline(request, response, seconds * 1_000, () => refuse(request, response, 408, late(seconds)));
    }
    const span = app.tracing.request(path.slice(1), request.headers, { 'rpc.method': path.slice(1) });
    const begin = () =>
      void answer(request, response, asked, isKnown ? check : () => null).catch((error: unknown) =>
        refuse(request, response, 500, connectErrorOf(error, app.log)),
      );
    if (span === null || record === null) return begin();
    response.once('close', () => span.end(record.outcome(response), spanAttributes(record, response)));
    span.run(begin);
  };
}

/** A destination's report is let in by its own token, and may hold a plan. */
const isForAnybody = (method: DescMethod | null): boolean =>
  method !== null && accessRuleOf(method).need === 'public' && method.name !== 'ReportRelease';

const takesStream = ({ methodKind }: DescMethod): boolean =>
  methodKind === 'client_streaming' || methodKind === 'bidi_streaming';

const late = (seconds: number): ConnectError =>
  new ConnectError(
    `the body did not arrive within ${seconds} seconds: send it faster, or in parts`,
    Code.DeadlineExceeded,
  );

/** Counts the request for its credential or address; whether it is too much, which the gate then says. */
function countRequest(app: AppContext, rates: RequestRates, hash: Buffer | null): boolean {
  const record = requestRecord();
  if (record === null || app.config.rateLimitPerMinute === 0) return false;
  record.retryAfterSeconds = rates.take(hash, record.address);
  if (hash !== null && !rates.knows(hash))
    record.atEnd(() => {
      if (record.userId !== null) rates.know(hash, record.address);
    });
  return record.retryAfterSeconds !== null;
}

const spanAttributes = (record: RequestRecord, response: ServerResponse): SpanAttributes => ({
  'rpc.system.name': record.protocol === 'connect' ? 'connectrpc' : 'grpc',
  'rpc.response.status_code': record.outcome(response),
  'forage.request_id': record.requestId,
});

/** Before a body is read: nobody without credentials makes the server read and parse one. */
function gate(app: AppContext, context: HandlerContext): void {
  const record = requestRecord();
  if (record !== null) Object.assign(record, { signal: context.signal, protocol: context.protocolName });
  explainRefusal(context);
  if (record?.retryAfterSeconds != null) {
    const words = 'there were too many requests in a short time: ask again later, and less often';
    throw connectErrorOf(exhausted(words, record.retryAfterSeconds), app.log);
  }
  const isPublic = accessRuleOf(context.method).need === 'public';
  if (!isPublic && credentialOf(context.requestHeader, app.config) === null)
    throw connectErrorOf(unauthenticated(), app.log);
  // A caller who has given up already needs no message read.
  if (isLate(context.signal)) throw context.signal.reason;
}
