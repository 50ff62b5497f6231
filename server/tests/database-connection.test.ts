import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectWhenReady, targetOf } from '#server/db/connect.ts';
import { openDatabase, statement } from '#server/db/database.ts';
import { MIGRATIONS, migrate } from '#server/db/migrate.ts';
import { startFailureMessage } from '#server/start-failure.ts';
import { eventually } from './harness.ts';
import { makeAuthority, type PostgresServer, startPostgres } from './postgres-server.ts';

let folder: string;
let secured: PostgresServer;
let plain: PostgresServer;
let right: string;
let wrong: string;
let own: { cert: string; key: string };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forage-connection-'));
  const [authority, stranger] = await Promise.all([
    makeAuthority(join(folder, 'authority'), 'Test authority'),
    makeAuthority(join(folder, 'stranger'), 'Another authority'),
  ]);
  right = authority.ca;
  wrong = stranger.ca;
  own = await authority.issue('forage');
  const server = await authority.issue('localhost');
  secured = await startPostgres({
    folder: join(folder, 'secured'),
    tls: { ...server, ca: authority.ca },
    // With a certificate of its own a client needs no password; by a plain connection nobody comes in.
    access: ['host all postgres 127.0.0.1/32 scram-sha-256', 'hostnossl all all 127.0.0.1/32 reject'],
  });
  plain = await startPostgres({ folder: join(folder, 'plain') });
});
afterAll(async () => {
  await Promise.all([secured?.stop(), plain?.stop()]);
  await rm(folder, { recursive: true, force: true });
});

const lines: string[] = [];
const log = {
  info: () => {},
  warn: (_: object, words: string) => void lines.push(words),
  error: () => {},
};

/** The TLS version of a connection by the URL, or `plain`. */
async function reach(url: string, waitSeconds = 0): Promise<string> {
  const { result } = await connectWhenReady(targetOf(url), waitSeconds, log, async (client) => {
    const { rows } = await client.query('select version from pg_stat_ssl where pid = pg_backend_pid()');
    return rows[0].version ?? 'plain';
  });
  return result;
}

/** The one line that a start ends with. */
async function refused(url: string, waitSeconds = 0): Promise<string> {
  try {
    await reach(url, waitSeconds);
  } catch (error) {
    const words = startFailureMessage(error);
    if (words === null) throw error;
    expect(words).not.toContain('\n');
    expect(words).not.toContain('only-for-tests');
    return words;
  }
  throw new Error('it was not refused');
}

/** The certificate is for this name, the same server by its address is somebody else. */
const byName = (url: string) => url.replace('127.0.0.1', 'localhost');

describe('TLS by the URL', () => {
  test.each(['prefer', 'require'])('%s accepts any certificate', async (sslmode) => {
    expect(await reach(secured.url({ sslmode }))).toMatch(/^TLS/);
  });

  test('uses TLS without an sslmode if the server has it', async () => {
    expect(await reach(secured.url())).toMatch(/^TLS/);
    expect(await reach(plain.url())).toBe('plain');
    expect(await reach(plain.url({ sslmode: 'prefer' }))).toBe('plain');
  });

  test('verify-full checks the authority and the host name', async () => {
    const options = { sslmode: 'verify-full', sslrootcert: right };
    expect(await reach(byName(secured.url(options)))).toMatch(/^TLS/);
    expect(await refused(secured.url(options))).toContain(
      "the server's certificate is not trusted or does not match",
    );
    expect(await refused(byName(secured.url({ ...options, sslrootcert: wrong })))).toContain(
      'correct sslrootcert',
    );
    expect(await refused(byName(secured.url({ sslmode: 'verify-full' })))).toContain('not trusted');
    expect(await refused(byName(secured.url({ sslmode: 'verify-full', sslrootcert: 'system' })))).toContain(
      'not trusted',
    );
  });

  test.each(['verify-ca', 'require'])(
    '%s with an authority checks the authority but not the host name',
    async (sslmode) => {
      expect(await reach(secured.url({ sslmode, sslrootcert: right }))).toMatch(/^TLS/);
      expect(await refused(secured.url({ sslmode, sslrootcert: wrong }))).toContain('not trusted');
    },
  );

  test('disable uses no TLS, and a server that requires TLS is reported', async () => {
    expect(await reach(plain.url({ sslmode: 'disable' }))).toBe('plain');
    expect(await refused(secured.url({ sslmode: 'disable' }))).toContain('pg_hba.conf');
  });

  test('refuses a server without TLS when sslmode requires it', async () => {
    for (const sslmode of ['require', 'verify-full']) {
      expect(await refused(plain.url({ sslmode }))).toContain(
        'the server has no TLS, which sslmode requires',
      );
    }
  });

  test('sends the client certificate that a server requires', async () => {
    const options = { sslmode: 'verify-full', sslrootcert: right };
    const strict = await startPostgres({
      folder: join(folder, 'strict'),
      tls: {
        ...(await (await makeAuthority(join(folder, 'strict-authority'), 'A')).issue('localhost')),
        ca: right,
      },
      access: ['hostssl all forage 127.0.0.1/32 cert'],
    });
    try {
      const url = strict.url({ sslmode: 'require' });
      expect(await refused(url)).toMatch(/certificate/);
      const withOwn = new URL(url);
      withOwn.searchParams.set('sslcert', own.cert);
      withOwn.searchParams.set('sslkey', own.key);
      expect(await reach(withOwn.href)).toMatch(/^TLS/);
    } finally {
      await strict.stop();
    }
    expect(await refused(secured.url({ ...options, sslcert: own.cert }))).toContain('must be set together');
  });

  test.each([
    [
      { sslmode: 'allow' },
      'sslmode must be one of disable, prefer, require, verify-ca, verify-full, not "allow"',
    ],
    [{ sslmod: 'verify-full' }, 'unknown option sslmod; the options are sslmode'],
    [{ sslmode: 'verify-full', 'ssl-ca': '/etc/ca.pem' }, 'unknown option ssl-ca'],
    [{ connect_timeout: '5' }, 'unknown option connect_timeout'],
    [{ channel_binding: 'disable' }, 'channel_binding must be one of prefer, require, not "disable"'],
    [{ target_session_attrs: 'any' }, 'target_session_attrs must be one of read-write, primary, not "any"'],
    [{ channel_binding: 'require' }, 'the server does not offer the channel binding'],
    [{ sslmode: 'verify-ca' }, 'sslmode=verify-ca requires sslrootcert'],
    [{ sslmode: 'require', sslrootcert: 'system' }, 'sslrootcert=system requires sslmode=verify-full'],
    [{ sslmode: 'verify-full', sslrootcert: '/nowhere/ca.pem' }, 'cannot read /nowhere/ca.pem (ENOENT)'],
  ])('refuses %j with a message that names the problem', async (options, words) => {
    expect(await refused(plain.url(options))).toContain(words);
  });
});

describe('a start', () => {
  test('refuses a wrong password, role or database without waiting', async () => {
    const url = plain.url();
    expect(await refused(url.replace('only-for-tests', 'wrong'), 30)).toMatch(
      /^DATABASE_URL: password authentication failed .*correct the user, the password/,
    );
    const nowhere = new URL(url);
    nowhere.pathname = '/nothing';
    expect(await refused(nowhere.href, 30)).toContain(
      'database "nothing" does not exist; create it, or correct the name',
    );
  });

  test('refuses a role that may not create tables, and names the missing right', async () => {
    const superuser = await plain.superuser();
    await superuser.query("create role guest login password 'only-for-tests'");
    await superuser.end();
    const { connection } = targetOf(plain.url({}, 'guest'));
    const start = connectWhenReady({ connection, plainIfNoTls: true }, 30, log, (client) =>
      migrate(client, MIGRATIONS, log),
    );
    const error = await start.catch((reason: unknown) => reason);
    expect(startFailureMessage(error)).toMatch(
      /^DATABASE_URL: permission denied for schema public; let its role own the database/,
    );
  });

  test('refuses an empty database whose encoding is not UTF8', async () => {
    const superuser = await plain.superuser();
    await superuser.query("create database latin owner forage encoding 'LATIN1' template template0");
    await superuser.end();
    const url = new URL(plain.url());
    url.pathname = '/latin';
    const start = connectWhenReady(targetOf(url.href), 30, log, (client) => migrate(client, MIGRATIONS, log));
    const error = await start.catch((reason: unknown) => reason);
    expect(startFailureMessage(error)).toMatch(
      /^The encoding of the database is LATIN1, and Forage requires UTF8; drop it, and create it with ENCODING 'UTF8'/,
    );
  });

  test('waits for a database that refuses connections, logs it, and gives up after the limit', async () => {
    lines.length = 0;
    await plain.stop();
    const waiting = reach(plain.url(), 30);
    await eventually(async () => lines.length > 0, 'the line');
    await plain.start();
    expect(await waiting).toBe('plain');
    expect(lines).toEqual(['waiting for the database']);

    await plain.stop();
    try {
      expect(await refused(plain.url(), 1)).toMatch(/^DATABASE_URL: no database within 1 s \(.*ECONNREFUSED/);
    } finally {
      await plain.start();
    }
  });

  test('refuses an unreachable address without waiting', async () => {
    // A socket below what is a file: like one that this user may not use, no waiting helps.
    const file = join(folder, 'file');
    await writeFile(file, '');
    expect(await refused(`postgres:///forage?host=${encodeURIComponent(file)}`, 30)).toMatch(
      /^DATABASE_URL: cannot reach the database \(connect ENOTDIR .*correct the host/,
    );
  });

  test('refuses a server that is not PostgreSQL without waiting', async () => {
    const other = createServer((socket) => {
      socket.on('error', () => {});
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const address = other.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    expect(await refused(`postgres://forage@127.0.0.1:${port}/forage`, 30)).toBe(
      'DATABASE_URL: the server is not PostgreSQL or is not accepting connections; correct the host and port',
    );
    other.close();
  });

  test('waits for a host name that does not resolve yet', async () => {
    expect(await refused('postgres://forage@no-such-host.invalid/forage', 0)).toMatch(
      /^DATABASE_URL: no database within 0 s/,
    );
  });

  test('waits for a database that is starting', async () => {
    let asked = 0;
    const starting = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => {
        asked++;
        const fields = Buffer.from('SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0');
        const head = Buffer.alloc(5);
        head.write('E');
        head.writeInt32BE(fields.length + 4, 1);
        socket.end(Buffer.concat([head, fields]));
      });
    });
    await new Promise<void>((resolve) => starting.listen(0, '127.0.0.1', resolve));
    const address = starting.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const url = `postgres://forage:only-for-tests@127.0.0.1:${port}/forage?sslmode=disable`;
    expect(await refused(url, 1)).toContain('the database system is starting up');
    expect(asked).toBeGreaterThan(1);
    starting.close();
  });
});

describe('limits of the pool', () => {
  const nap = statement<[number]>('testNap', 'select pg_sleep($1)');
  const settings = statement<[], { name: string; setting: string }>(
    'testSettings',
    `select name, setting from pg_settings where name in
      ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout') order by name`,
  );
  const open = (statementTimeoutSeconds: number, poolSize = 2) =>
    openDatabase({
      connection: targetOf(plain.url({ sslmode: 'disable' })).connection,
      poolSize,
      statementTimeoutSeconds,
      log,
    });

  test('sets the time limits on every connection', async () => {
    const db = open(20);
    expect((await db.run(settings, [])).map(({ setting }) => Number(setting))).toEqual([
      5_000, 10_000, 20_000,
    ]);
    await db.close();
  });

  test('ends a statement, and a wait for a lock, at their time limits', async () => {
    const db = open(1);
    await expect(db.run(nap, [5])).rejects.toMatchObject({
      name: 'DatabaseFailure',
      kind: 'statement_timeout',
    });
    const lock = statement<[]>('testLock', 'select pg_advisory_xact_lock(1)');
    await db.transaction(async (tx) => {
      await tx.run(lock, []);
      await expect(db.transaction((other) => other.run(lock, []))).rejects.toMatchObject({
        kind: 'lock_timeout',
      });
    });
    await db.close();
  });

  test('refuses a request that gets no free connection in time', async () => {
    const db = open(30);
    const busy = await Promise.all([db.pool.connect(), db.pool.connect()]);
    await expect(db.run(nap, [0])).rejects.toMatchObject({ kind: 'pool_exhausted' });
    for (const client of busy) client.release();
    await db.run(nap, [0]);
    await db.close();
  });
});
