import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';

/** Where PostgreSQL listens: `host` is the folder of a Unix socket if it starts with a slash, else an address. */
export interface Endpoint {
  host: string;
  port: number;
}

/** Part of the socket's file name; with a socket, PostgreSQL opens no port. */
const SOCKET_PORT = 5432;
/** `sockaddr_un` has room for 107 bytes on Linux and 103 on macOS, the last one a zero. */
const SOCKET_PATH_BYTES = process.platform === 'linux' ? 107 : 103;

/**
 * Chooses where the database listens: a Unix socket in `<dataDir>/postgres-socket`, whose folder it creates (mode 0700) and
 * passes to `give`, which changes its owner; on Windows, or if that path is too long, a free port of 127.0.0.1.
 */
export async function chooseEndpoint(
  dataDir: string,
  give: (path: string) => Promise<void>,
): Promise<Endpoint> {
  const host = join(dataDir, 'postgres-socket');
  const file = join(host, `.s.PGSQL.${SOCKET_PORT}`);
  if (process.platform === 'win32' || Buffer.byteLength(file) > SOCKET_PATH_BYTES)
    return { host: '127.0.0.1', port: await freePort() };
  await mkdir(host, { recursive: true, mode: 0o700 });
  await give(host);
  return { host, port: SOCKET_PORT };
}

export function isSocket(endpoint: Endpoint): boolean {
  return endpoint.host.startsWith('/');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port on 127.0.0.1');
  return address.port;
}
