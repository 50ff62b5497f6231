import { once } from 'node:events';
import {
  createServer as createHttp,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttps, type Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { TLSSocket } from 'node:tls';
import { createHttp2Sessions } from './http2-sessions.ts';
import { PREFACE, sniff } from './sniff.ts';
import type { TlsPair } from './tls.ts';

export interface ListenOptions {
  readonly host: string;
  /** 0 chooses a free port. */
  readonly port: number;
  /** With a certificate the port accepts TLS only. */
  readonly tls: TlsPair | null;
  /** The time in which a whole request must arrive; after it the connection (in HTTP/2 the stream) is cut. */
  readonly requestSeconds: number;
  /** How long an HTTP/2 connection may be silent, in milliseconds; 5 minutes by default. */
  readonly idleMs?: number;
}

/** For the first bytes, or the TLS handshake. */
const FIRST_BYTES_MS = 30_000;
const HEADERS_MS = 60_000;
/** Proxies keep idle connections for a minute; the side that sends requests should be the one that closes. */
const KEEP_ALIVE_MS = 75_000;
const IDLE_MS = 5 * 60_000;
/** How often Node looks for requests that have exceeded their timeouts. */
const TIMEOUT_CHECK_MS = 5_000;
/** TCP keep-alive, which detects lost peers. */
const TCP_PROBE_MS = 60_000;
/** How long a closing server waits for the first bytes of an accepted connection. */
const FIRST_BYTES_AT_CLOSE_MS = 500;
const CLOSE_CHECK_MS = 20;

/**
 * One port for gRPC (HTTP/2) and for Connect, gRPC-web and the dashboard (HTTP/1.1), with the same handler. In plaintext the
 * first bytes of a connection show its protocol, with TLS the handshake (ALPN) does.
 */
export async function listen(handler: RequestListener, options: ListenOptions) {
  const sockets = new Set<Socket>();
  /** HTTP/1.1 responses that have not ended. */
  const responses = new Set<ServerResponse>();
  let draining = false;

  const server = createServer(options, (request, response) => {
    responses.add(response);
    response.once('close', () => responses.delete(response));
    if (draining) response.setHeader('connection', 'close');
    handler(request, response);
  });
  const http2 = createHttp2Sessions(handler, options.idleMs ?? IDLE_MS, options.requestSeconds * 1_000);
  // The HTTP/1.1 server holds the port, because Node enforces the timeouts of a listening server only. It gets a connection
  // once the protocol is known.
  const opened = options.tls === null ? 'connection' : 'secureConnection';
  const serveHttp1 = server.listeners(opened);
  server.removeAllListeners(opened);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => sockets.delete(socket));
  });
  const serve = (socket: Socket, isHttp2: boolean) => {
    if (isHttp2) http2.serve(socket);
    else for (const listener of serveHttp1) listener.call(server, socket);
  };
  server.on(opened, (socket: Socket) => {
    if (!(socket instanceof TLSSocket))
      return sniff(socket, FIRST_BYTES_MS, (isHttp2) => serve(socket, isHttp2));
    socket.on('error', () => socket.destroy());
    serve(socket, socket.alpnProtocol === 'h2');
  });
  server.listen(options.port, options.host);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no TCP address');

  const drain = (): void => {
    draining = true;
    for (const response of responses) if (!response.headersSent) response.setHeader('connection', 'close');
  };
  return {
    address,
    /** Continues to accept requests, but closes each HTTP/1.1 connection after its next response. */
    drain,
    /** Uses another certificate for new connections. */
    renew({ cert, key }: TlsPair): void {
      if ('setSecureContext' in server) server.setSecureContext({ cert, key });
    },
    /** Accepts no new connections, waits up to `grace` milliseconds for requests to end, then cuts the remaining connections. */
    async close(grace: number): Promise<void> {
      const began = performance.now();
      drain();
      http2.close();
      const closed = once(server.close(), 'close');
      while (sockets.size > 0 && performance.now() - began < grace) {
        server.closeIdleConnections();
        if (performance.now() - began > FIRST_BYTES_AT_CLOSE_MS)
          for (const socket of sockets) if (socket.bytesRead < PREFACE.length) socket.destroy();
        await sleep(CLOSE_CHECK_MS);
      }
      http2.destroy();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function createServer(
  { tls, requestSeconds }: ListenOptions,
  handler: RequestListener,
): Server | HttpsServer {
  const requestTimeout = requestSeconds * 1_000;
  const settings = {
    requestTimeout,
    headersTimeout: Math.min(HEADERS_MS, requestTimeout),
    connectionsCheckingInterval: Math.min(TIMEOUT_CHECK_MS, requestTimeout),
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAlive: true,
    keepAliveInitialDelay: TCP_PROBE_MS,
    noDelay: true,
  };
  if (tls === null) return createHttp(settings, handler);
  const { cert, key } = tls;
  const secure = { cert, key, ALPNProtocols: ['h2', 'http/1.1'], handshakeTimeout: FIRST_BYTES_MS };
  return createHttps({ ...settings, ...secure }, handler);
}
