import type { IncomingMessage, ServerResponse } from 'node:http';
import { create, type DescMethod, toBinary, toJson } from '@bufbuild/protobuf';
import { base64Encode } from '@bufbuild/protobuf/wire';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError } from '@connectrpc/connect';
import { currentRequest } from '#server/request-scope.ts';
import { codeName, finished } from './errors.ts';

const UNARY = ['application/json', 'application/proto'];
const STREAM = ['application/connect+json', 'application/connect+proto'];
const GRPC = ['application/grpc', 'application/grpc-web'].flatMap((t) => [t, `${t}+json`, `${t}+proto`]);
/** As Protobuf reads it: either alphabet, with or without padding. */
const BASE64 = /^([\w+/-]{4})*([\w+/-]{2,3}={0,2})?$/;
/** Paths in messages are cut: an error in gRPC's headers must fit into one frame. */
const MAX_PATH = 200;

/** Why a request cannot be a call, with the HTTP status for callers by Connect. */
export interface RequestProblem {
  readonly status: number;
  readonly error: ConnectError;
}

/**
 * What makes a request unreadable for Connect, which would answer with an empty 404, 405 or 415, or throw: an unknown
 * method, an HTTP method or content type that the method does not accept, an invalid address. Null when Connect can read it.
 */
export function problemOf(
  path: string,
  method: DescMethod | undefined,
  request: IncomingMessage,
): RequestProblem | null {
  const name = path.slice(1, MAX_PATH);
  if (method === undefined) return problem(404, Code.Unimplemented, `Unknown method ${name}`);
  const reads = method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
  const isGet = request.method === 'GET';
  if (request.method !== 'POST' && !(isGet && reads))
    return problem(405, Code.Unimplemented, `${name} accepts ${reads ? 'POST or GET' : 'POST'} only`);
  const authority = 'authority' in request ? request.authority : request.headers.host;
  const address = authority ? URL.parse(request.url ?? '', `http://${authority}`) : null;
  if (address === null) return problem(400, Code.InvalidArgument, 'Invalid Host header or path');
  const type = (request.headers['content-type'] ?? '').toLowerCase();
  if (isGet) return queryProblem(address.searchParams, type);
  if (method.methodKind === 'bidi_streaming' && request.httpVersionMajor === 1)
    return problem(505, Code.Unimplemented, `${name} streams in both directions, which requires HTTP/2`);
  const own = method.methodKind === 'unary' ? UNARY : STREAM;
  // Connect ignores this parameter and refuses any other without a message.
  const bare = type.replace(/(?<=json); ?charset=utf-?8$/, '');
  if (own.includes(bare) || GRPC.includes(bare)) return null;
  const accepted = [...own, 'application/grpc', 'application/grpc-web'].join(', ');
  return problem(415, Code.InvalidArgument, `content-type: must be one of ${accepted}`);
}

/** Whether a request has its message in JSON. */
export const sendsJson = ({ method, url, headers }: IncomingMessage): boolean =>
  method === 'GET'
    ? /[?&]encoding=json(&|$)/.test(url ?? '')
    : /^application\/(connect\+|grpc\+|grpc-web\+)?json/i.test(headers['content-type'] ?? '');

function queryProblem(query: URLSearchParams, type: string): RequestProblem | null {
  const encoding = query.get('encoding');
  if (encoding !== 'json' && encoding !== 'proto')
    return problem(415, Code.InvalidArgument, 'encoding: must be json or proto in the query of a GET');
  if (type !== '' && !UNARY.includes(type))
    return problem(415, Code.InvalidArgument, 'content-type: must be absent from a GET');
  if (query.get('base64') === '1' && !BASE64.test(query.get('message') ?? ''))
    return problem(400, Code.InvalidArgument, 'message: must be valid base64');
  return null;
}

const problem = (status: number, code: Code, message: string): RequestProblem => ({
  status,
  error: new ConnectError(message, code),
});

/**
 * Refuses a request that reaches no handler of Connect, in the caller's protocol: by gRPC's status headers in one frame that
 * ends the stream, or by Connect's JSON.
 */
export function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  { status, error }: RequestProblem,
): void {
  const { code, rawMessage, details } = finished(error, currentRequest());
  const type = request.headers['content-type'] ?? '';
  if (type.startsWith('application/grpc')) {
    // Without `writeHead`, `end` sends the headers and the end of the stream in one frame, as gRPC requires.
    response.statusCode = 200;
    response.setHeader('content-type', type);
    response.setHeader('grpc-status', String(code));
    // grpc-js decodes by `decodeURI`.
    response.setHeader('grpc-message', encodeURI(rawMessage));
    response.end();
    return;
  }
  const json = details.map(({ desc, value }) => {
    const message = create(desc, value);
    const bytes = base64Encode(toBinary(desc, message), 'std_raw');
    return { type: desc.typeName, value: bytes, debug: toJson(desc, message) };
  });
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify({ code: codeName(code), message: rawMessage, details: json }));
}
