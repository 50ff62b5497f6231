import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** Where PostgreSQL listens: `host` is a folder (beginning with a slash) for a Unix socket, else an address. */
export interface Endpoint {
  host: string;
  port: number;
}

/** Part of the socket's file name; with a socket nothing listens on a port. */
const SOCKET_PORT = 5432;
/** `sockaddr_un` has room for 107 bytes on Linux and 103 on macOS, the last one a zero. */
const SOCKET_PATH_BYTES = process.platform === 'linux' ? 107 : 103;
const PRIVATE_PREFIX = 'forage-pg-';

/**
 * Chooses where the database listens: a Unix socket in `<dataDir>/postgres-socket`; in a private folder below the
 * system's temporary one if that path is too long; a free port of 127.0.0.1 if that is too long as well, or on Windows.
 * The folder is made (mode 0700) and `give`n to the database's account.
 */
export async function chooseEndpoint(
  dataDir: string,
  give: (path: string) => Promise<void>,
): Promise<Endpoint> {
  if (process.platform !== 'win32') {
    const near = join(dataDir, 'postgres-socket');
    if (fits(near)) {
      await mkdir(near, { recursive: true, mode: 0o700 });
      await give(near);
      return { host: near, port: SOCKET_PORT };
    }
    const privateFolder = join(tmpdir(), PRIVATE_PREFIX);
    if (fits(`${privateFolder}XXXXXX`)) {
      const host = await mkdtemp(privateFolder);
      await give(host);
      return { host, port: SOCKET_PORT };
    }
  }
  return { host: '127.0.0.1', port: await freePort() };
}

/** Removes the socket's folder if it was made for one run only. Safe to call with any endpoint. */
export async function dropEndpoint(endpoint: Endpoint): Promise<void> {
  const { host } = endpoint;
  if (dirname(host) === tmpdir() && basename(host).startsWith(PRIVATE_PREFIX))
    await rm(host, { recursive: true, force: true });
}

export function isSocket(endpoint: Endpoint): boolean {
  return endpoint.host.startsWith('/');
}

function fits(folder: string): boolean {
  return Buffer.byteLength(join(folder, `.s.PGSQL.${SOCKET_PORT}`)) <= SOCKET_PATH_BYTES;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port on 127.0.0.1');
  return address.port;
}
