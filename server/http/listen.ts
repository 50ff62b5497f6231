import { createServer as createHttp1, type RequestListener } from 'node:http';
import { createServer as createHttp2, type Http2Session } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Listener {
  readonly address: AddressInfo;
  /** Takes no new connections, lets requests end for at most that many milliseconds, then cuts what is left. */
  close(graceMilliseconds: number): Promise<void>;
}

/** HTTP/2 with prior knowledge opens with `PRI * HTTP/2.0`; no HTTP/1.1 method starts so. */
const PREFACE = Buffer.from('PRI');
const FIRST_BYTES_MS = 30_000;
const HEADERS_MS = 60_000;
const POLL_MS = 20;

/**
 * One plaintext port for all: gRPC (HTTP/2) and Connect, gRPC-web and the dashboard (HTTP/1.1). The first bytes of each
 * connection tell which; both servers share the handler.
 */
export async function listen(handler: RequestListener, host: string, port: number): Promise<Listener> {
  const sockets = new Set<Socket>();
  /** Connections that have not shown yet what they are. */
  const undecided = new Set<Socket>();
  const sessions = new Set<Http2Session>();
  // Node's HTTP/2 compatibility layer calls the same listener with requests of the same shape.
  const http2 = createHttp2((request, response) =>
    handler(
      request as unknown as Parameters<RequestListener>[0],
      response as unknown as Parameters<RequestListener>[1],
    ),
  );
  http2.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
  });

  // Streams may last: there is no limit on a whole request, but there is one on its headers.
  const server = createHttp1({ requestTimeout: 0, headersTimeout: HEADERS_MS, noDelay: true }, handler);
  // The HTTP/1.1 server holds the port, so that its own limits and idle connections are kept; it is given each connection
  // only once that has shown what it is.
  const serveHttp1 = server.listeners('connection');
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    undecided.add(socket);
    const impatience = setTimeout(() => socket.destroy(), FIRST_BYTES_MS);
    const decided = () => {
      undecided.delete(socket);
      clearTimeout(impatience);
    };
    socket.once('close', decided);
    sniff(socket, (isHttp2) => {
      decided();
      if (isHttp2) http2.emit('connection', socket);
      else for (const serve of serveHttp1) serve.call(server, socket);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve());
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server listens on no port');

  return {
    address,
    async close(grace) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const session of sessions) session.close();
      for (const socket of undecided) socket.destroy();
      const deadline = performance.now() + grace;
      while (sockets.size > 0 && performance.now() < deadline) {
        // A kept-alive connection without a request is not waited for.
        server.closeIdleConnections();
        await sleep(POLL_MS);
      }
      for (const session of sessions) session.destroy();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Looks at the first bytes without taking them. */
function sniff(socket: Socket, decide: (isHttp2: boolean) => void): void {
  let seen: Buffer = Buffer.alloc(0);
  const read = () => {
    for (let chunk = socket.read(); chunk !== null; chunk = socket.read())
      seen = Buffer.concat([seen, chunk]);
    const length = Math.min(seen.length, PREFACE.length);
    if (length === 0) return;
    const matches = seen.subarray(0, length).equals(PREFACE.subarray(0, length));
    if (matches && length < PREFACE.length) return;
    socket.removeListener('readable', read);
    socket.unshift(seen);
    decide(matches);
  };
  socket.on('readable', read);
}
