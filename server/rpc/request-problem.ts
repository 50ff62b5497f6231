import type { IncomingMessage } from 'node:http';
import type { DescMethod } from '@bufbuild/protobuf';
import { base64Decode } from '@bufbuild/protobuf/wire';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError } from '@connectrpc/connect';

const ONE = ['application/json', 'application/proto'];
const STREAM = ['application/connect+json', 'application/connect+proto'];
const GRPC = ['application/grpc', 'application/grpc-web'].flatMap((t) => [t, `${t}+json`, `${t}+proto`]);

/** Why a request can be no call, and the status of HTTP that says so. */
export interface Problem {
  readonly status: number;
  readonly error: ConnectError;
}

/**
 * What is wrong with a request as such, whatever its message says: an unknown method, a verb or a content type that the method
 * does not take, an address that cannot be read. Null: Connect can read it.
 */
export function problemOf(
  path: string,
  method: DescMethod | undefined,
  request: IncomingMessage,
): Problem | null {
  const problem = (status: number, code: Code, words: string): Problem => ({
    status,
    error: new ConnectError(words, code),
  });
  if (method === undefined) return problem(404, Code.Unimplemented, `there is no method ${path.slice(1)}`);
  const readable = method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
  const isGet = request.method === 'GET';
  if (request.method !== 'POST' && !(isGet && readable)) {
    const allowed = readable ? 'POST or GET' : 'POST';
    return problem(405, Code.Unimplemented, `${path.slice(1)} takes ${allowed}, not ${request.method}`);
  }
  const authority = 'authority' in request ? String(request.authority) : (request.headers.host ?? '');
  const address = authority === '' ? null : URL.parse(request.url ?? '', `http://${authority}`);
  if (address === null) {
    return problem(400, Code.InvalidArgument, 'the Host header or the address cannot be read');
  }
  if (isGet) {
    // It speaks of a body, which there is none of; Connect would answer to one that it does not know without a word.
    delete request.headers['content-type'];
    const query = address.searchParams;
    if (query.get('base64') === '1' && !isBase64(query.get('message') ?? '')) {
      return problem(400, Code.InvalidArgument, 'message: is no base64');
    }
    if (query.get('encoding') === 'json' || query.get('encoding') === 'proto') return null;
    return problem(415, Code.InvalidArgument, 'encoding: must be json or proto in the query of a GET');
  }
  const sent = (request.headers['content-type'] ?? '').toLowerCase();
  // The one parameter that is taken; to any other Connect would answer without a word.
  const type = sent.replace(/(?<=json); ?charset=utf-?8$/, '');
  if (method.methodKind === 'bidi_streaming' && request.httpVersionMajor === 1) {
    return problem(505, Code.Unimplemented, `${path.slice(1)} streams both ways, which takes HTTP/2`);
  }
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
