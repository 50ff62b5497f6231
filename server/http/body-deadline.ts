import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';

/** How long a caller over HTTP/2 has to take the answer, once they were told that they are too slow. */
const TAKE_MS = 1_000;

/**
 * Calls `late` when a request's body has not arrived whole after that many milliseconds and nothing was answered yet. `late`
 * answers; whatever else would is ignored from then on, and the connection (over HTTP/2 the stream) ends soon. Without it a
 * caller who sends a byte now and then holds a connection for nothing.
 */
export function bodyDeadline(
  request: IncomingMessage,
  response: ServerResponse,
  milliseconds: number,
  late: () => void,
): void {
  const timer = setTimeout(() => {
    if (request.complete || response.headersSent) return;
    late();
    // Who is reading the body will fail, and answer to that.
    Object.assign(response, {
      writeHead: () => response,
      write: () => true,
      end: () => response,
      setHeader: () => response,
      addTrailers: () => {},
    });
    if (isHttp2(request)) setTimeout(() => request.stream.close(), TAKE_MS).unref();
  }, milliseconds);
  timer.unref();
  const done = () => clearTimeout(timer);
  request.once('end', done);
  response.once('close', done);
}

const isHttp2 = (request: unknown): request is Http2ServerRequest =>
  typeof request === 'object' && request !== null && 'stream' in request;
