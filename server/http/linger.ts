import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** How long a caller who has been answered may go on sending. */
const LINGER_MS = 5_000;

/**
 * Ends well with a caller over HTTP/1.1 who is answered before the end of the request (one that is too large, say). The
 * answer says that the connection closes, as the next request would be taken for the rest of this one. What is still to
 * come is read and thrown away for a while: to cut the connection at once could cost the caller the answer.
 */
export function lingerWhenEarly(request: IncomingMessage, response: ServerResponse): void {
  if (request.httpVersionMajor !== 1 || !hasBody(request)) return;
  const { socket } = request;
  const { writeHead } = response;
  const closing = (...args: Parameters<typeof writeHead>) => {
    if (!request.complete) {
      response.setHeader('connection', 'close');
      // What Node calls once the answer is written, to cut the connection.
      socket.destroySoon = () => discard(socket);
    }
    return writeHead.apply(response, args);
  };
  response.writeHead = closing as typeof writeHead;
}

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

function discard(socket: Socket): void {
  const impatience = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(impatience));
  socket.once('end', () => socket.destroy());
  // The parser would stop the flow, because nobody reads the request any more.
  socket.removeAllListeners('data');
  socket.on('data', () => {});
  socket.resume();
  socket.end();
}
