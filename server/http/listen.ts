import {
  createServer as createHttp,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttps, type Server as HttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { TLSSocket } from 'node:tls';
import { createHttp2Sessions } from './http2-sessions.ts';
import { sniff } from './sniff.ts';
import type { TlsPair } from './tls.ts';

export interface ListenOptions {
  readonly host: string;
  /** 0 chooses a free port. */
  readonly port: number;
  /** With a certificate the port speaks TLS and nothing else. */
  readonly tls: TlsPair | null;
  /** How long a connection over HTTP/2 may be silent, in milliseconds; five minutes unless told otherwise. */
  readonly idleMs?: number;
}

export interface Listener {
  readonly address: AddressInfo;
  /** Uses another certificate for connections from now on. */
  renew(tls: TlsPair): void;
  /** Goes on taking requests, but ends each connection over HTTP/1.1 with the answer that it carries next. */
  drain(): void;
  /** Takes no new connections, lets requests end for at most that many milliseconds, then cuts what is left. */
  close(graceMilliseconds: number): Promise<void>;
}

/** Until the first bytes, or the end of the handshake. */
const FIRST_BYTES_MS = 30_000;
const HEADERS_MS = 60_000;
/** Longer than the minute for which proxies keep idle connections, so that it is the proxy who ends them. */
const KEEP_ALIVE_MS = 75_000;
const IDLE_MS = 5 * 60_000;
/** By which the system notices peers that vanished. */
const TCP_PROBE_MS = 60_000;
/** How long a closing server waits for the first bytes of a connection that it has accepted already. */
const LATECOMER_MS = 500;
const POLL_MS = 20;

/**
 * One port for all: gRPC (HTTP/2) and Connect, gRPC-web and the dashboard (HTTP/1.1). In plaintext the first bytes of each
 * connection tell which, under TLS the handshake (ALPN). Both share the handler.
 */
export async function listen(handler: RequestListener, options: ListenOptions): Promise<Listener> {
  const sockets = new Set<Socket>();
  /** Connections that have not shown yet what they are. */
  const undecided = new Map<string, { readonly socket: Socket; readonly impatience: NodeJS.Timeout }>();
  /** Answers over HTTP/1.1 that are being made. */
  const answers = new Set<ServerResponse>();
  let draining = false;

  const serve: RequestListener = (request, response) => {
    answers.add(response);
    response.once('close', () => answers.delete(response));
    if (draining) response.setHeader('connection', 'close');
    handler(request, response);
  };
  const http2 = createHttp2Sessions(handler, options.idleMs ?? IDLE_MS);
  const server = createServer(options.tls, serve);
  // The HTTP/1.1 server holds the port, so that its own limits and idle connections are kept; it is given each connection
  // only once that has shown what it is.
  const opened = options.tls === null ? 'connection' : 'secureConnection';
  const serveHttp1 = server.listeners(opened);
  server.removeAllListeners(opened);
  server.on('connection', (socket: Socket) => {
    const name = nameOf(socket);
    const impatience = setTimeout(() => socket.destroy(), FIRST_BYTES_MS);
    sockets.add(socket);
    undecided.set(name, { socket, impatience });
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      sockets.delete(socket);
      decided(name);
    });
  });
  const decided = (name: string) => {
    clearTimeout(undecided.get(name)?.impatience);
    undecided.delete(name);
  };
  const hand = (socket: Socket, isHttp2: boolean) => {
    decided(nameOf(socket));
    if (isHttp2) http2.serve(socket);
    else for (const one of serveHttp1) one.call(server, socket);
  };
  server.on(opened, (socket: Socket) => {
    if (!(socket instanceof TLSSocket)) return sniff(socket, (isHttp2) => hand(socket, isHttp2));
    socket.on('error', () => socket.destroy());
    hand(socket, socket.alpnProtocol === 'h2');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => resolve());
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server listens on no port');

  const drain = () => {
    draining = true;
    for (const answer of answers) if (!answer.headersSent) answer.setHeader('connection', 'close');
  };
  return {
    address,
    drain,
    renew({ cert, key }) {
      if ('setSecureContext' in server) server.setSecureContext({ cert, key });
    },
    async close(grace) {
      const began = performance.now();
      drain();
      http2.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      while (sockets.size > 0 && performance.now() - began < grace) {
        // A kept-alive connection without a request is not waited for, nor one that has never said anything.
        server.closeIdleConnections();
        if (performance.now() - began > LATECOMER_MS)
          for (const { socket } of undecided.values()) socket.destroy();
        await sleep(POLL_MS);
      }
      http2.destroy();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** The same for a connection and for the TLS that runs on it. */
const nameOf = (socket: Socket): string => `${socket.remoteAddress} ${socket.remotePort}`;

function createServer(tls: TlsPair | null, handler: RequestListener): Server | HttpsServer {
  const limits = {
    // Streams may last: there is no limit on a whole request, but there is one on its headers.
    requestTimeout: 0,
    headersTimeout: HEADERS_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAlive: true,
    keepAliveInitialDelay: TCP_PROBE_MS,
    noDelay: true,
  };
  if (tls === null) return createHttp(limits, handler);
  const { cert, key } = tls;
  const secure = { cert, key, ALPNProtocols: ['h2', 'http/1.1'], handshakeTimeout: FIRST_BYTES_MS };
  return createHttps({ ...limits, ...secure }, handler);
}
