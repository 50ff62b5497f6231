import { readFileSync } from 'node:fs';
import type pg from 'pg';
import { parse, toClientConfig } from 'pg-connection-string';
import { DatabaseStartError } from './start-error.ts';

const MODES = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'];

/** Of the options about TLS those that are heeded; and how pg's own reading of them is chosen, which is fixed below. */
const TLS_OPTIONS = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'uselibpqcompat'];

/** How to connect, and whether it may go on without TLS when the server has none (`sslmode=prefer`). */
export interface Target {
  readonly connection: pg.ClientConfig;
  readonly plainIfNoTls: boolean;
}

/**
 * Reads DATABASE_URL. TLS is what libpq makes of the URL: `sslmode` is `disable`, `prefer` (TLS if the server has it; the
 * default), `require` (no check of who answers, unless there is an `sslrootcert`), `verify-ca` or `verify-full`; files
 * by `sslrootcert`, `sslcert` and `sslkey`, in PEM, read now. `verify-full` without `sslrootcert`, or with `system`, trusts
 * the public authorities that Node knows. A Unix socket has no TLS.
 * @throws DatabaseStartError with one line that names the option; the URL's password is not in it.
 */
export function targetOf(url: string): Target {
  const options = new URL(url).searchParams;
  // Nothing else would tell of one that is misspelt, or not known here: the connection would go without what it asks for.
  const unknown = [...options.keys()].find((name) => /ssl|tls/i.test(name) && !TLS_OPTIONS.includes(name));
  if (unknown !== undefined) {
    throw new DatabaseStartError(
      `${unknown} is none of its options for TLS, which are sslmode, sslrootcert, sslcert and sslkey`,
    );
  }
  const mode = options.get('sslmode') ?? 'prefer';
  if (!MODES.includes(mode)) {
    throw new DatabaseStartError(`sslmode must be one of ${MODES.join(', ')}, not "${mode}"`);
  }
  const system = options.get('sslrootcert') === 'system';
  if (system && mode !== 'verify-full') {
    throw new DatabaseStartError(
      'sslrootcert=system asks for sslmode=verify-full: anybody can have a public certificate',
    );
  }
  for (const name of ['sslrootcert', 'sslcert', 'sslkey']) {
    const file = options.get(name);
    if (file !== null && !(name === 'sslrootcert' && system)) requireReadable(name, file);
  }
  if (mode === 'verify-ca' && !options.has('sslrootcert')) {
    throw new DatabaseStartError('sslmode=verify-ca needs sslrootcert, the file of the authority to trust');
  }
  if (options.has('sslcert') !== options.has('sslkey')) {
    throw new DatabaseStartError('sslcert and sslkey belong together: give both, or none');
  }
  const connection = read(url, mode, system);
  if (connection.host?.startsWith('/'))
    return { connection: { ...connection, ssl: false }, plainIfNoTls: false };
  return { connection, plainIfNoTls: mode === 'prefer' };
}

function read(url: string, mode: string, system: boolean): pg.ClientConfig {
  const plain = new URL(url);
  plain.searchParams.set('sslmode', mode);
  plain.searchParams.delete('uselibpqcompat');
  if (system) plain.searchParams.delete('sslrootcert');
  try {
    return toClientConfig(parse(plain.href, { useLibpqCompat: true }));
  } catch {
    // Its words may repeat parts of the URL.
    throw new DatabaseStartError(
      'cannot be read: it must be postgres://user:password@host:port/database?options',
    );
  }
}

function requireReadable(name: string, file: string): void {
  try {
    readFileSync(file);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new DatabaseStartError(`${name}: ${file} cannot be read (${code})`);
  }
}
