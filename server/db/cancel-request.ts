import { connect, isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type pg from 'pg';

const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);
const CANCEL_CODE = 80877102;
const PATIENCE_MS = 2_000;

/** What pg keeps of an open connection and does not type: which backend serves it, and how it was reached. */
interface Opened {
  readonly processID: number | null;
  readonly secretKey: number | null;
  readonly host: string;
  readonly port: number;
  readonly ssl: boolean | ConnectionOptions;
  readonly sslNegotiation?: string;
  readonly connection: { readonly stream: Socket };
}

/**
 * Asks PostgreSQL to stop the statement that `client` is running, by the protocol's CancelRequest on a connection of its
 * own, with TLS where the client has it. Works while the pool is full, needs no rights, and passes through poolers.
 * Resolves when the server has taken the request, or when that failed: PostgreSQL answers nothing either way, and
 * whoever asks watches the statement itself.
 */
export function cancelRequest(client: pg.ClientBase): Promise<void> {
  const opened = client as unknown as Opened;
  const { processID, secretKey } = opened;
  if (processID === null || secretKey === null) return Promise.resolve();
  const request = Buffer.alloc(16);
  request.writeInt32BE(16, 0);
  request.writeInt32BE(CANCEL_CODE, 4);
  request.writeInt32BE(processID, 8);
  request.writeInt32BE(secretKey, 12);
  return new Promise((resolve) => {
    const socket = dial(opened);
    const timer = setTimeout(() => socket.destroy(), PATIENCE_MS);
    const follow = (stream: Socket) => {
      stream.on('error', () => {});
      stream.on('close', () => {
        clearTimeout(timer);
        resolve();
      });
    };
    follow(socket);
    if (!opened.ssl) return void socket.once('connect', () => socket.end(request));
    const secure = () => {
      const stream = connectTls(tlsOptions(opened, socket));
      follow(stream);
      stream.once('secureConnect', () => stream.end(request));
    };
    if (opened.sslNegotiation === 'direct') return void socket.once('connect', secure);
    socket.once('connect', () => socket.write(SSL_REQUEST));
    socket.once('data', (answer) => {
      if (answer.toString() === 'S') secure();
      else socket.destroy();
    });
  });
}

/** To the very server that the client is connected to: its name may stand for several. */
function dial({ host, port, connection }: Opened): Socket {
  if (host.startsWith('/')) return connect(`${host}/.s.PGSQL.${port}`);
  return connect(port, connection.stream.remoteAddress ?? host);
}

function tlsOptions({ host, ssl, sslNegotiation }: Opened, socket: Socket): ConnectionOptions {
  return {
    ...(typeof ssl === 'object' ? ssl : {}),
    socket,
    host,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(sslNegotiation === 'direct' ? { ALPNProtocols: ['postgresql'] } : {}),
  };
}
