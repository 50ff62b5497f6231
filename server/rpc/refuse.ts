import type { IncomingMessage, ServerResponse } from 'node:http';
import { Code, type ConnectError } from '@connectrpc/connect';

/** `invalid_argument`, as Connect writes codes in JSON. */
const nameOf = (code: Code): string =>
  (Object.entries(Code).find(([, value]) => value === code)?.[0] ?? 'Unknown')
    .replace(/(?<=[a-z])(?=[A-Z])/g, '_')
    .toLowerCase();

/** gRPC's escaping of its message header: percent-encoded UTF-8, of all but printable ASCII. */
const escaped = (words: string): string =>
  [...Buffer.from(words)]
    .map((byte) =>
      byte >= 0x20 && byte < 0x7f && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
    )
    .join('');

/**
 * Refuses a request that reaches no method, in the caller's protocol: gRPC's status headers, or Connect's JSON with the
 * HTTP status.
 */
export function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  error: ConnectError,
): void {
  const type = request.headers['content-type'] ?? '';
  if (/^application\/grpc/.test(type)) {
    response.writeHead(200, {
      'content-type': type,
      'grpc-status': String(error.code),
      'grpc-message': escaped(error.rawMessage),
    });
    response.end();
    return;
  }
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify({ code: nameOf(error.code), message: error.rawMessage }));
}
