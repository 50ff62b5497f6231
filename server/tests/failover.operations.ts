import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connectWhenReady, targetOf } from '#server/db/connect.ts';
import { type Database, openDatabase, statement } from '#server/db/database.ts';
import { startFailureMessage } from '#server/start-failure.ts';
import { eventually } from './harness.ts';
import { type PostgresServer, startPostgres } from './postgres-server.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

/* A standby becomes the primary while a server works; the address of the database leads to it. */

const FAILOVER_MS = 5_000;

let folder: string;
let primary: PostgresServer;
let standby: PostgresServer;
let address: TcpProxy;
let db: Database;
const log = { info: () => {}, warn: () => {}, error: () => {} };
const write = statement<[], { port: string }>(
  'testWrite',
  `insert into notes default values returning current_setting('port') as port`,
);
const read = statement<[], { port: string }>('testRead', `select current_setting('port') as port from notes`);
const targetNow = () =>
  targetOf(primary.url({ sslmode: 'disable' }).replace(`:${primary.port}/`, `:${address.port}/`));

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forage-failover-'));
  primary = await startPostgres({ folder: join(folder, 'a') });
  await primary.stop();
  standby = await startPostgres({ folder: join(folder, 'b'), standbyOf: primary });
  await primary.start();
  address = await startTcpProxy(primary.port);
  db = openDatabase({ connection: targetNow().connection, poolSize: 4, statementTimeoutSeconds: 30, log });
  await db.run(statement('testTable', 'create table notes (at timestamptz default now())'), []);
  await db.run(write, []);
  await eventually(async () => {
    const client = await standby.superuser();
    const { rows } = await client.query(`select 1 from pg_class where relname = 'notes'`);
    await client.end();
    return rows.length > 0;
  }, 'the standby to follow');
});
afterEach(async () => {
  await db.close();
  await address.close();
  await Promise.all([primary.stop(), standby.stop()]);
  await rm(folder, { recursive: true, force: true });
});

const promote = async () => {
  const client = await standby.superuser();
  await client.query('select pg_promote()');
  await client.end();
};
const readFrom = async () => (await db.run(read, []))[0]?.port;

test('writes go on after a promotion, and nothing is read from the former primary, which is a standby now', async () => {
  await primary.stop();
  await promote();
  const promoted = performance.now();
  await primary.start(standby.port);
  // For a moment the address still leads to the former primary.
  await expect(db.run(write, [])).rejects.toMatchObject({ kind: 'read_only' });
  await expect(db.run(read, [])).rejects.toMatchObject({ kind: 'read_only' });
  address.leadTo(standby.port);
  await eventually(
    () =>
      db.run(write, []).then(
        () => true,
        () => false,
      ),
    'a write',
  );
  expect(performance.now() - promoted).toBeLessThan(FAILOVER_MS);
  for (let n = 0; n < 10; n++) expect(await readFrom()).toBe(String(standby.port));
});

test.each(['busy', 'quiet'])(
  'connections to a former primary that is set to read-only are closed (%s)',
  async (load) => {
    // Several idle connections lead there.
    const nap = statement<[]>('testNap', 'select pg_sleep(0.1)');
    await Promise.all([1, 2, 3, 4].map(() => db.run(nap, [])));
    await promote();
    const promoted = performance.now();
    address.leadTo(standby.port);
    const former = await primary.superuser();
    await former.query('alter system set default_transaction_read_only = on');
    await former.query('select pg_reload_conf()');
    await former.end();
    const work = load === 'busy' ? write : read;
    await eventually(
      () =>
        db.run(work, []).then(
          ([row]) => row?.port === String(standby.port),
          () => false,
        ),
      'the new primary',
    );
    expect(performance.now() - promoted).toBeLessThan(FAILOVER_MS);
    const ports = await Promise.all(Array.from({ length: 8 }, readFrom));
    expect(new Set(ports)).toEqual(new Set([String(standby.port)]));
  },
);

test('a start waits for a primary, and says why when there is none', async () => {
  address.leadTo(standby.port);
  const start = (seconds: number) => connectWhenReady(targetNow(), seconds, log, async () => 'started');
  const error = await start(1).catch((reason: unknown) => reason);
  expect(startFailureMessage(error)).toBe(
    'DATABASE_URL: no primary within 1 s (the database is a standby, or set to read-only, and accepts no writes); promote it, or correct the host and port',
  );
  const starting = start(30);
  await promote();
  expect((await starting).result).toBe('started');
});
