import { createHash } from 'node:crypto';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';

/** What a 304 leaves out, as it has no body. */
const OF_THE_BODY = new Set(['content-type', 'content-length', 'content-encoding']);

/**
 * Lets a reader who has an answer already be told so. The answer to this GET is held back until it is whole, gets the
 * digest of its bytes as `ETag`, and is left out (304) when the request's `If-None-Match` has it. It saves the transfer
 * and the reader's work, not the server's: the handler has run, so whoever asks was authorized anew. A refusal is not to
 * be kept by anybody.
 *
 * It works on the response itself, of HTTP/1.1 and HTTP/2 alike, because Connect writes to it directly. Only for answers
 * that are one message: a stream would wait for its end.
 *
 * `tagged` is told the tag of an answer that is none of a refusal, whether it is sent or left out.
 */
export function revalidate(
  request: IncomingMessage,
  response: ServerResponse,
  tagged: (etag: string) => void = () => {},
): void {
  const chunks: Uint8Array[] = [];
  let status = 200;
  let headers: OutgoingHttpHeaders = {};
  const { writeHead, write, end } = response;

  const hold = (code: number, given?: OutgoingHttpHeaders) => {
    status = code;
    headers = given ?? {};
    return response;
  };
  const keep = (chunk: Uint8Array | string, ...rest: unknown[]) => {
    chunks.push(Buffer.from(chunk));
    const written = rest.at(-1);
    if (typeof written === 'function') queueMicrotask(() => written());
    return true;
  };
  const send = (chunk?: Uint8Array | string) => {
    if (chunk !== undefined) chunks.push(Buffer.from(chunk));
    Object.assign(response, { writeHead, write, end });
    const body = Buffer.concat(chunks);
    if (status !== 200) {
      response.writeHead(status, { 'cache-control': 'no-store', ...headers });
      return response.end(body);
    }
    const etag = `"${createHash('sha256').update(body).digest('base64url')}"`;
    tagged(etag);
    const kept = { ...headers, ...tagHeaders(etag) };
    if (!hasTag(request.headers['if-none-match'], etag)) {
      response.writeHead(200, { ...kept, 'content-length': body.length });
      return response.end(body);
    }
    response.writeHead(
      304,
      Object.fromEntries(Object.entries(kept).filter(([name]) => !OF_THE_BODY.has(name.toLowerCase()))),
    );
    return response.end();
  };
  Object.assign(response, { writeHead: hold, write: keep, end: send });
}

/** What an answer with a tag says of it. The body may be compressed or not: another body, another tag. */
const tagHeaders = (etag: string) => ({
  etag,
  'cache-control': 'private, no-cache',
  vary: 'accept-encoding',
});

/** Says that what the caller has, with that tag, is still right. */
export function notModified(response: ServerResponse, etag: string): void {
  response.writeHead(304, tagHeaders(etag));
  response.end();
}

/** Whether a list of tags has this one, by the weak comparison that `If-None-Match` asks for. */
export const hasTag = (ifNoneMatch: string | undefined, etag: string): boolean =>
  (ifNoneMatch ?? '').split(',').some((tag) => {
    const trimmed = tag.trim();
    return trimmed === '*' || trimmed.replace(/^W\//, '') === etag;
  });
