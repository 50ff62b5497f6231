import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DescService } from '@bufbuild/protobuf';
import { type Client, createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import pg from 'pg';
import { pino } from 'pino';
import { inject } from 'vitest';
import { type Overrides, type RunningApp, startApp } from '#server/app.ts';
import { type Config, readConfig } from '#server/config.ts';

export interface TestApp extends RunningApp {
  /** A generated client over real HTTP, with a bearer token or none. */
  client<Service extends DescService>(service: Service, as: { token?: string }): Client<Service>;
  /** The database's URL, for a second server on the same data. */
  readonly databaseUrl: string;
}

export interface TestOptions extends Overrides {
  readonly config?: Partial<Config>;
}

const quoted = (name: string) => encodeURIComponent(name);

/** An empty database in the run's PostgreSQL, and its end. */
export async function makeDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  const { host, port, password } = inject('postgres');
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const asSuperuser = async (sql: string) => {
    const client = new pg.Client({ host, port, password, user: 'postgres', database: 'postgres' });
    await client.connect();
    await client.query(sql).finally(() => client.end());
  };
  await asSuperuser(`create database ${name} owner forage`);
  return {
    url: `postgres://forage:${quoted(password)}@localhost/${name}?host=${quoted(host)}&port=${port}`,
    drop: () => asSuperuser(`drop database if exists ${name} with (force)`),
  };
}

/** Receivers of webhooks are on this machine, and a test asks more than a person does. */
const SETTINGS = {
  FORAGE_REGISTRATION: 'open',
  SWEEP_SECONDS: '60',
  SHUTDOWN_SECONDS: '2',
  PORT: '0',
  WEBHOOK_ALLOW_PRIVATE: '1',
  SECRETS_KEY: Buffer.alloc(32, 1).toString('base64'),
  RATE_LIMIT_PER_MINUTE: '0',
};

/**
 * The real app on a free port of the loopback, with a database of its own: by `databaseUrl` somebody else's, by `null` the
 * embedded one of `dataDir`.
 */
export async function startTestApp(options: TestOptions = {}): Promise<TestApp> {
  const { config: changes, ...overrides } = options;
  const database = changes?.databaseUrl === undefined ? await makeDatabase() : null;
  const databaseUrl = changes?.databaseUrl ?? database?.url ?? null;
  const config: Config = {
    ...readConfig(SETTINGS),
    staticDir: null,
    databasePoolSize: 8,
    ...changes,
    databaseUrl,
  };
  const log = pino({ level: process.env['TEST_LOG'] ?? 'silent' });
  const app = await startApp(config, { log, ...overrides });
  return {
    ...app,
    databaseUrl: databaseUrl ?? '',
    client: (service, { token }) => createClient(service, transport(app.url, token)),
    async stop() {
      await app.stop();
      await database?.drop();
    },
  };
}

const transport = (baseUrl: string, token: string | undefined) =>
  createConnectTransport({
    baseUrl,
    httpVersion: '1.1',
    interceptors: [
      (next) => (request) => {
        if (token !== undefined) request.header.set('authorization', `Bearer ${token}`);
        return next(request);
      },
    ],
  });

/**
 * Waits until `probe` gives something other than undefined or false, asking often; fails loudly after `timeout`
 * milliseconds. For what a server does on its own.
 */
export async function eventually<T>(
  probe: () => Promise<T | undefined | false>,
  what: string,
  timeout = 10_000,
): Promise<T> {
  const deadline = performance.now() + timeout;
  while (performance.now() < deadline) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    await sleep(10);
  }
  throw new Error(`${what} did not happen within ${timeout} ms`);
}
