import type { IncomingMessage, RequestListener } from 'node:http';
import type { DescMethod, JsonReadOptions, JsonWriteOptions } from '@bufbuild/protobuf';
import { isFieldError } from '@bufbuild/protobuf/reflect';
import { base64Decode } from '@bufbuild/protobuf/wire';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import { ViolationsSchema } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { Code, ConnectError, type HandlerContext } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import type { AppContext } from '#server/context.ts';
import { unauthenticated } from '#server/features/access/service.ts';
import { lingerWhenEarly } from '#server/http/linger.ts';
import { revalidate } from '#server/http/revalidate.ts';
import { accessInterceptor } from './access-interceptor.ts';
import { accessRuleOf, services } from './access-table.ts';
import { credentialOf } from './credential.ts';
import { connectErrorOf, errorInterceptor, violations } from './errors.ts';
import { refuse } from './refuse.ts';
import { routes } from './router.ts';

/** Larger messages are refused with `resource_exhausted`, before they are read whole. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
const PREFIX = '/forest.v1.';

const ONE = ['application/json', 'application/proto'];
const STREAM = ['application/connect+json', 'application/connect+proto'];
const GRPC = ['application/grpc', 'application/grpc-web'].flatMap((t) => [t, `${t}+json`, `${t}+proto`]);

const methods: ReadonlyMap<string, DescMethod> = new Map(
  Object.values(services).flatMap((service) =>
    service.methods.map((method) => [`/${service.typeName}/${method.name}`, method]),
  ),
);

const UNREADABLE = /^parse binary|^received compressed envelope|decompress/;

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
  const serve = connectNodeAdapter({
    routes: routes(app),
    interceptors: [errorInterceptor(app.log), accessInterceptor(app)],
    readMaxBytes: MAX_MESSAGE_BYTES,
    shutdownSignal,
    jsonOptions,
    requestGate: (context) => gate(app, context),
  }) as RequestListener;
  return (request, response) => {
    const path = request.url?.split('?', 1)[0] ?? '';
    if (!path.startsWith(PREFIX)) return fallback(request, response);
    lingerWhenEarly(request, response);
    const problem = problemOf(path, request);
    if (problem !== null) return refuse(request, response, problem.status, problem.error);
    // Only methods without side effects, which answer with one message, have come this far by GET.
    if (request.method === 'GET') revalidate(request, response);
    try {
      serve(request, response);
    } catch (error) {
      // Whatever Node lets through and Connect cannot read must end one request, not the server.
      refuse(request, response, 400, connectErrorOf(error, app.log));
    }
  };
}

interface Problem {
  readonly status: number;
  readonly error: ConnectError;
}

function problemOf(path: string, request: IncomingMessage): Problem | null {
  const problem = (status: number, code: Code, words: string): Problem => ({
    status,
    error: new ConnectError(words, code),
  });
  const method = methods.get(path);
  if (method === undefined) return problem(404, Code.Unimplemented, `there is no method ${path.slice(1)}`);
  const readable = method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
  const isGet = request.method === 'GET';
  if (request.method !== 'POST' && !(isGet && readable)) {
    const allowed = readable ? 'POST or GET' : 'POST';
    return problem(405, Code.Unimplemented, `${path.slice(1)} takes ${allowed}, not ${request.method}`);
  }
  const authority = 'authority' in request ? String(request.authority) : (request.headers.host ?? '');
  if (authority === '' || !URL.canParse(request.url ?? '', `http://${authority}`)) {
    return problem(400, Code.InvalidArgument, 'the Host header or the address cannot be read');
  }
  if (isGet) {
    const query = new URL(request.url ?? '', `http://${authority}`).searchParams;
    if (query.get('base64') === '1' && !isBase64(query.get('message') ?? '')) {
      return problem(400, Code.InvalidArgument, 'message: is no base64');
    }
    if (query.get('encoding') === 'json' || query.get('encoding') === 'proto') return null;
    return problem(415, Code.InvalidArgument, 'encoding: must be json or proto in the query of a GET');
  }
  const type = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const own = method.methodKind === 'unary' ? ONE : STREAM;
  if (own.includes(type) || GRPC.includes(type)) return null;
  const accepted = [...own, 'application/grpc', 'application/grpc-web'].join(', ');
  return problem(415, Code.InvalidArgument, `content-type: must be one of ${accepted}, not "${type}"`);
}

function isBase64(text: string): boolean {
  try {
    base64Decode(text);
    return true;
  } catch {
    return false;
  }
}

/** Before a body is read: nobody without credentials makes the server read and parse one. */
function gate(app: AppContext, context: HandlerContext): void {
  explainUnreadable(context);
  if (accessRuleOf(context.method).need === 'public') return;
  if (credentialOf(context.requestHeader) === null) throw connectErrorOf(unauthenticated(), app.log);
}

/**
 * Says what is wrong with bytes that are no message. Connect answers `internal` for the binary ones, and names no field
 * in the details; they are the caller's, so the answer is `invalid_argument`. Connect aborts the call with its error
 * before it writes the answer: the only place to add to it.
 */
function explainUnreadable(context: HandlerContext): void {
  context.signal.addEventListener('abort', () => {
    const { reason } = context.signal;
    if (!(reason instanceof ConnectError)) return;
    const { rawMessage } = reason;
    const field = fieldOf(reason);
    if (field !== null) {
      const value = violations([{ field, message: rawMessage }]);
      reason.details.push({ desc: ViolationsSchema, value });
    } else if (reason.code === Code.Internal && UNREADABLE.test(rawMessage)) {
      const words = `the bytes are no ${context.method.input.typeName}: ${rawMessage}`;
      Object.assign(reason, { code: Code.InvalidArgument, rawMessage: words });
    }
  });
}

/** The field that could not be read from JSON: Connect's error has protobuf's as its cause, which has the field's. */
function fieldOf(error: Error): string | null {
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) {
    if (isFieldError(cause)) return cause.field().name;
  }
  return null;
}
