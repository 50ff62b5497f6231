import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectWhenReady, targetOf } from '#server/db/connect.ts';
import { startFailureMessage } from '#server/start-failure.ts';
import { makeAuthority, type PostgresServer, startPostgres } from './postgres-server.ts';
import { startTransactionPooler } from './transaction-pooler.ts';

/* Options of DATABASE_URL that need servers of their own. */

let folder: string;
let secured: PostgresServer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forage-options-'));
  const authority = await makeAuthority(join(folder, 'authority'), 'Test authority');
  secured = await startPostgres({
    folder: join(folder, 'secured'),
    tls: { ...(await authority.issue('localhost')), ca: authority.ca },
  });
});
afterAll(async () => {
  await secured?.stop();
  await rm(folder, { recursive: true, force: true });
});

const log = { info: () => {}, warn: () => {}, error: () => {} };

/** The TLS version of a connection by the URL, or `plain`. */
async function reach(url: string): Promise<string> {
  const { result } = await connectWhenReady(targetOf(url), 0, log, async (client) => {
    const { rows } = await client.query('select version from pg_stat_ssl where pid = pg_backend_pid()');
    return rows[0].version ?? 'plain';
  });
  return result;
}

/** The one line that a start ends with. */
const refused = (url: string): Promise<string> =>
  reach(url).then(
    () => 'it was not refused',
    (error: unknown) => startFailureMessage(error) ?? String(error),
  );

describe('channel binding', () => {
  test.each(['prefer', 'require'])('%s is used with a server that offers it', async (mode) => {
    expect(await reach(secured.url({ sslmode: 'require', channel_binding: mode }))).toMatch(/^TLS/);
  });

  test('require refuses a server that asks for no password, or for the password itself', async () => {
    for (const method of ['trust', 'password', 'md5']) {
      const server = await startPostgres({
        folder: join(folder, `binding-${method}`),
        access: [`host forage forage 127.0.0.1/32 ${method}`],
      });
      try {
        expect(await reach(server.url())).toBe('plain');
        expect(await refused(server.url({ channel_binding: 'require' }))).toMatch(
          /^DATABASE_URL: the server does not offer the channel binding .*remove the option$/,
        );
      } finally {
        await server.stop();
      }
    }
  });
});

test('connects by a socket folder', async () => {
  const sockets = await mkdtemp('/tmp/forage-socket-');
  await chmod(sockets, 0o777);
  const server = await startPostgres({
    folder: join(folder, 'socket'),
    settings: { unix_socket_directories: sockets },
    access: ['local all all scram-sha-256'],
  });
  try {
    const url = new URL(server.url({ host: sockets }));
    expect(await reach(url.href)).toBe('plain');
    expect(await reach(`postgres://forage:only-for-tests@/forage?host=${sockets}&port=${server.port}`)).toBe(
      'plain',
    );
  } finally {
    await server.stop();
    await rm(sockets, { recursive: true });
  }
});

describe('a pooler', () => {
  test('in transaction mode is refused', async () => {
    const server = await startPostgres({
      folder: join(folder, 'pooled'),
      access: ['host forage forage 127.0.0.1/32 trust'],
    });
    const pooler = await startTransactionPooler(server.port, { user: 'forage', database: 'forage' });
    try {
      expect(await refused(`postgres://forage@127.0.0.1:${pooler.port}/forage?sslmode=disable`)).toBe(
        'DATABASE_URL: leads to a connection pooler in transaction mode, such as PgBouncer; use its session mode, or the address of PostgreSQL itself',
      );
    } finally {
      pooler.close();
      await server.stop();
    }
  });
});
