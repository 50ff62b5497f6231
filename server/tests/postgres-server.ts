import { type ChildProcess, execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { locateBinaries } from '#server/db/embedded/binaries.ts';
import { findLauncher } from '#server/db/embedded/launcher.ts';
import { freePort } from '../../scripts/nats-process.ts';

const run = promisify(execFile);
const HOST = '127.0.0.1';
/** The password of every role. */
const PASSWORD = 'only-for-tests';
const READY_MS = 30_000;

/** A PostgreSQL on a TCP port, whose product role owns its database and is no superuser. */
export interface PostgresServer {
  readonly port: number;
  /** Its data, which another one can be made of while it is stopped. */
  readonly folder: string;
  /** The URL of the product; `options` are appended to it, such as `sslmode=require`. */
  url(options?: Readonly<Record<string, string>>, role?: string): string;
  /** A connection of the superuser to the product's database, which the caller ends. */
  superuser(): Promise<pg.Client>;
  /** Starts it again after `stop` or `crash`; as a standby of the server on a port if one is given. */
  start(primaryPort?: number): Promise<void>;
  /** Ends all sessions and stops. */
  stop(): Promise<void>;
  /** Stops without a checkpoint, as in a crash. */
  crash(): Promise<void>;
}

export interface PostgresOptions {
  /** An empty folder. */
  readonly folder: string;
  /** The programs of another version: see `olderVersion`. */
  readonly native?: string | undefined;
  readonly settings?: Readonly<Record<string, string>>;
  /** The first lines of pg_hba.conf. */
  readonly access?: readonly string[];
  /** A stopped server, whose standby it becomes. */
  readonly standbyOf?: PostgresServer;
  /** PEM files, which turn TLS on. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca: string };
}

/** The programs of an older PostgreSQL, an optional package for Linux on x64; null where it is not installed. */
export function olderVersion(major: number): string | null {
  const native = new URL(`../../node_modules/postgres-${major}-linux-x64/native`, import.meta.url).pathname;
  return existsSync(join(native, 'bin', 'postgres')) ? native : null;
}

export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const folder = join(options.folder, 'postgres');
  const logFile = join(options.folder, 'postgres.log');
  const { standbyOf } = options;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (standbyOf !== undefined) await cp(standbyOf.folder, folder, { recursive: true });
  const binaries = await locateBinaries(join(options.folder, 'lib'), options.native);
  const launcher = await findLauncher(options.folder, folder, binaries);
  const passwordFile = join(options.folder, 'password');
  await writeFile(passwordFile, PASSWORD, { mode: 0o600 });
  for (const path of [passwordFile, folder]) await launcher.give(path);
  const port = await freePort();

  const program = async (file: string, args: string[]): Promise<void> => {
    const child = launcher.spawn(file, args, ['ignore', 'ignore', 'inherit']);
    const [code] = await once(child, 'close');
    if (code !== 0) throw new Error(`${file} ended with ${code}`);
  };
  if (standbyOf === undefined) {
    await program(binaries.initdb, [
      ...[`--pgdata=${folder}`, '--username=postgres', `--pwfile=${passwordFile}`, '--auth=scram-sha-256'],
      ...['--encoding=UTF8', '--locale=C', '--no-instructions', '--no-sync'],
    ]);
  }
  const local = ['all', 'replication'].map((database) => `host ${database} all ${HOST}/32 scram-sha-256`);
  const access = [...(options.access ?? []), 'local all all reject', ...local];
  await writeFile(join(folder, 'pg_hba.conf'), `${access.join('\n')}\n`);
  const tls: Record<string, string> = {};
  for (const [setting, file] of Object.entries(options.tls ?? {})) {
    const own = join(folder, `server.${setting}`);
    await writeFile(own, await readFile(file), { mode: 0o600 });
    await launcher.give(own);
    tls[`ssl_${setting}_file`] = own;
  }
  const settings = {
    listen_addresses: HOST,
    unix_socket_directories: '',
    port: String(port),
    fsync: 'off',
    shared_buffers: '16MB',
    max_connections: '50',
    ...(options.tls === undefined ? {} : { ssl: 'on', ...tls }),
    ...options.settings,
  };
  const args = [
    '-D',
    folder,
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
  let child: ChildProcess | null = null;

  const superuser = async (database = 'forage'): Promise<pg.Client> => {
    const login = { user: 'postgres', password: PASSWORD, database };
    const client = new pg.Client({ host: HOST, port, ssl: false, ...login });
    client.on('error', () => {});
    await client.connect();
    return client;
  };
  const start = async (primaryPort?: number): Promise<void> => {
    const log = await open(logFile, 'a');
    const standby: string[] = [];
    if (primaryPort !== undefined) {
      await writeFile(join(folder, 'standby.signal'), '');
      await launcher.give(join(folder, 'standby.signal'));
      const primary = `host=${HOST} port=${primaryPort} user=postgres password=${PASSWORD}`;
      standby.push('-c', `primary_conninfo=${primary}`);
    }
    const started = launcher.spawn(binaries.postgres, [...args, ...standby], ['ignore', log.fd, log.fd]);
    await log.close();
    child = started;
    const deadline = performance.now() + READY_MS;
    for (;;) {
      try {
        return await (await superuser('postgres')).end();
      } catch (error) {
        if (started.exitCode !== null || performance.now() > deadline) {
          throw new Error(`PostgreSQL does not start: ${await readFile(logFile, 'utf8')}`, { cause: error });
        }
        await sleep(20);
      }
    }
  };
  const end = async (signal: 'SIGINT' | 'SIGQUIT'): Promise<void> => {
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  };

  await start(standbyOf?.port);
  if (standbyOf === undefined) {
    const first = await superuser('postgres');
    await first.query(`create role forage login password '${PASSWORD}'`);
    await first.query('create database forage owner forage');
    await first.end();
  }
  return {
    port,
    folder,
    url(more = {}, role = 'forage') {
      const url = new URL(`postgres://${role}:${PASSWORD}@${HOST}:${port}/forage`);
      for (const [name, value] of Object.entries(more)) url.searchParams.set(name, value);
      return url.href;
    },
    superuser,
    start,
    stop: () => end('SIGINT'),
    crash: () => end('SIGQUIT'),
  };
}

export interface Authority {
  /** The authority's own certificate. */
  readonly ca: string;
  /** Creates a certificate and its key for a name and addresses, such as `IP:127.0.0.1`. */
  issue(name: string, addresses?: string): Promise<{ cert: string; key: string }>;
}

/** Creates a certificate authority in `folder` by openssl(1). */
export async function makeAuthority(folder: string, name: string): Promise<Authority> {
  await mkdir(folder, { recursive: true });
  const file = (of: string) => join(folder, of);
  const openssl = (...args: string[]) => run('openssl', args, { cwd: folder });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj'];
  await openssl(
    ...['req', '-x509', '-days', '2', ...newKey, `/CN=${name}`],
    ...['-keyout', file('ca.key'), '-out', file('ca.pem')],
  );
  return {
    ca: file('ca.pem'),
    async issue(subject, addresses = `DNS:${subject}`) {
      const [cert, key] = [file(`${subject}.pem`), file(`${subject}.key`)];
      await openssl(
        ...[
          'req',
          '-x509',
          '-days',
          '2',
          '-CA',
          file('ca.pem'),
          '-CAkey',
          file('ca.key'),
          ...newKey,
          `/CN=${subject}`,
        ],
        ...['-addext', `subjectAltName=${addresses}`, '-addext', 'basicConstraints=critical,CA:FALSE'],
        ...['-keyout', key, '-out', cert],
      );
      return { cert, key };
    },
  };
}
