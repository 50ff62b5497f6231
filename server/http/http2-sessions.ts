import type { RequestListener } from 'node:http';
import { createServer, type Http2Session, type ServerHttp2Session } from 'node:http2';
import type { Duplex } from 'node:stream';

/** Requests on one connection at the same time; a client with more waits. Each may be a stream that lasts. */
const MAX_STREAMS = 250;
/** As Node has it for HTTP/1.1. */
const MAX_HEADER_BYTES = 16 * 1024;
/** A peer that does not answer a ping within this is gone. */
const PONG_MS = 20_000;
/** The highest stream id: "what you have sent already is taken", as a first word of goodbye. */
const ANY_STREAM = 2 ** 31 - 1;
const GOODBYE_MS = 100;

export interface Http2Sessions {
  /** Serves HTTP/2 on a connection whose preface is still to be read. */
  serve(socket: Duplex): void;
  /** Says goodbye to every peer: requests on their way are still taken, no further ones, and those that run may end. */
  close(): void;
  /** Cuts what is left. */
  destroy(): void;
}

/**
 * The connections over HTTP/2. One that is silent for `idleMs` is closed when no request runs on it; else its peer is asked
 * whether it is still there, because a stream may be silent for weeks.
 */
export function createHttp2Sessions(handler: RequestListener, idleMs: number): Http2Sessions {
  const sessions = new Set<ServerHttp2Session>();
  let closing = false;
  const server = createServer(
    { settings: { maxConcurrentStreams: MAX_STREAMS, maxHeaderListSize: MAX_HEADER_BYTES } },
    // Node's compatibility layer calls the same listener with requests of the same shape.
    (request, response) => {
      // Node tells peers of the limit, and does not hold them to it.
      if (sizeOf(request.rawHeaders) > MAX_HEADER_BYTES) {
        response.writeHead(431);
        response.end();
        return request.stream.close();
      }
      handler(
        request as unknown as Parameters<RequestListener>[0],
        response as unknown as Parameters<RequestListener>[1],
      );
    },
  );
  const part = (session: ServerHttp2Session) => {
    if (session.closed || session.destroyed) return;
    session.goaway(0, ANY_STREAM);
    setTimeout(() => !session.destroyed && session.close(), GOODBYE_MS);
  };
  server.on('session', (session) => {
    sessions.add(session);
    let streams = 0;
    session.on('stream', (stream) => {
      streams++;
      stream.once('close', () => streams--);
    });
    session.on('timeout', () => (streams === 0 ? session.close() : probe(session, idleMs)));
    session.setTimeout(idleMs);
    session.once('close', () => sessions.delete(session));
    session.on('error', () => session.destroy());
    if (closing) part(session);
  });
  // Of one connection: what is no HTTP/2 after its preface, or a peer that left.
  server.on('sessionError', () => {});

  return {
    serve(socket) {
      // The port leaves connections half open, for HTTP/1.1 to end. Here a peer that says that nothing comes has left.
      socket.allowHalfOpen = false;
      server.emit('connection', socket);
    },
    close() {
      closing = true;
      for (const session of sessions) part(session);
    },
    destroy() {
      for (const session of sessions) session.destroy();
    },
  };
}

/** Characters of the names and values of headers. */
function sizeOf(rawHeaders: readonly string[]): number {
  let size = 0;
  for (const text of rawHeaders) size += text.length;
  return size;
}

/** Ends a session whose peer is gone without a word. */
function probe(session: Http2Session, idleMs: number): void {
  if (session.closed || session.destroyed) return;
  const impatience = setTimeout(() => session.destroy(), PONG_MS);
  session.once('close', () => clearTimeout(impatience));
  session.ping((error) => {
    clearTimeout(impatience);
    if (error !== null) session.destroy();
    else session.setTimeout(idleMs);
  });
}
