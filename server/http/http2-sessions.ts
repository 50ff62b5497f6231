import type { RequestListener } from 'node:http';
import { constants, createServer, type ServerHttp2Session } from 'node:http2';
import type { Duplex } from 'node:stream';

/** Requests on one connection at the same time, streams included; a client with more waits. */
const MAX_STREAMS = 250;
/** The highest stream id: the first GOAWAY still accepts all requests in transit. */
const ANY_STREAM = 2 ** 31 - 1;
const GOAWAY_MS = 100;

/**
 * The server's HTTP/2 sessions.
 * @param idleMs a session without an open stream is closed after this time in silence
 * @param requestMs the time in which the body of a request must arrive
 */
export function createHttp2Sessions(handler: RequestListener, idleMs: number, requestMs: number) {
  const sessions = new Set<ServerHttp2Session>();
  let closing = false;
  const server = createServer({ settings: { maxConcurrentStreams: MAX_STREAMS } }, (request, response) => {
    // Node's `requestTimeout` exists for HTTP/1.1 only.
    const late = setTimeout(() => {
      if (!request.complete) request.stream.close(constants.NGHTTP2_CANCEL);
    }, requestMs);
    response.once('close', () => clearTimeout(late));
    // Node's compatibility layer has the interface of HTTP/1.1, but not its type.
    handler(
      request as unknown as Parameters<RequestListener>[0],
      response as unknown as Parameters<RequestListener>[1],
    );
  });
  const goAway = (session: ServerHttp2Session) => {
    if (session.closed || session.destroyed) return;
    session.goaway(constants.NGHTTP2_NO_ERROR, ANY_STREAM);
    setTimeout(() => !session.destroyed && session.close(), GOAWAY_MS);
  };
  server.on('session', (session) => {
    sessions.add(session);
    let streams = 0;
    session.on('stream', (stream) => {
      streams++;
      stream.once('close', () => streams--);
    });
    // An open stream may be silent for weeks; TCP keep-alive detects lost peers.
    session.setTimeout(idleMs, () => streams === 0 && session.close());
    session.once('close', () => sessions.delete(session));
    session.on('error', () => session.destroy());
    if (closing) goAway(session);
  });
  // Errors of one connection, such as bytes that are not HTTP/2, must not end the server.
  server.on('sessionError', () => {});

  return {
    /** Serves HTTP/2 on a connection whose preface has not been read yet. */
    serve(socket: Duplex): void {
      // The port keeps connections half open for HTTP/1.1. Over HTTP/2 a peer that ends its side has left.
      socket.allowHalfOpen = false;
      server.emit('connection', socket);
    },
    /** Sends GOAWAY to every peer. Running requests, and those in transit, are still answered. */
    close(): void {
      closing = true;
      for (const session of sessions) goAway(session);
    },
    /** Ends every session immediately. */
    destroy(): void {
      for (const session of sessions) session.destroy();
    },
  };
}
