import type { IncomingMessage, ServerResponse } from 'node:http';
import { toBinary, toJson } from '@bufbuild/protobuf';
import { base64Encode } from '@bufbuild/protobuf/wire';
import type { ConnectError } from '@connectrpc/connect';
import { requestRecord } from '#server/http/request-record.ts';
import { codeName } from './code-name.ts';
import { requestInfo } from './request-info.ts';

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
 * HTTP status. The request's id is in the headers already; in JSON it is a detail as well, for those who only see that.
 */
export function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  error: ConnectError,
): void {
  const record = requestRecord();
  if (record !== null) record.code = codeName(error.code);
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
  response.end(
    JSON.stringify({ code: codeName(error.code), message: error.rawMessage, details: detailsOfRequest() }),
  );
}

function detailsOfRequest() {
  const info = requestInfo();
  if (info === null) return undefined;
  const { desc, value } = info;
  const bytes = base64Encode(toBinary(desc, value), 'std_raw');
  return [{ type: desc.typeName, value: bytes, debug: toJson(desc, value) }];
}
