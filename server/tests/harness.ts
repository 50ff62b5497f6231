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

/** The URL of a database in the run's PostgreSQL. */
const urlOf = (username: string, pathname: string) =>
  Object.assign(new URL(inject('postgres')), { username, pathname }).href;

/** Creates a database in the run's PostgreSQL: an empty one, or with the schema of this version. */
export async function makeDatabase(
  content: 'empty' | 'migrated' = 'empty',
): Promise<{ url: string; drop(): Promise<void> }> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const template = content === 'empty' ? 'template1' : content;
  const asSuperuser = async (sql: string) => {
    const client = new pg.Client({ connectionString: urlOf('postgres', 'postgres') });
    await client.connect();
    await client.query(sql).finally(() => client.end());
  };
  await asSuperuser(`create database ${name} owner forage template ${template} strategy file_copy`);
  return {
    url: urlOf('forage', name),
    drop: () => asSuperuser(`drop database if exists ${name} with (force)`),
  };
}

/** Webhook receivers are on this machine, and tests send more requests than people do. */
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
 * Starts the real app on a free port of 127.0.0.1, with a new database; `databaseUrl` chooses another one, and null the
 * embedded one in `dataDir`.
 */
export async function startTestApp(options: TestOptions = {}): Promise<TestApp> {
  const { config: changes, ...overrides } = options;
  const database = changes?.databaseUrl === undefined ? await makeDatabase('migrated') : null;
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

/** A client's connection with a bearer token or none. */
export const transport = (baseUrl: string, token: string | undefined) =>
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

/** Waits until `probe` returns something other than undefined or false; throws after `timeout` milliseconds. */
export async function eventually<T>(
  probe: () => Promise<T | undefined | false>,
  what: string,
  timeout = 110_000,
): Promise<T> {
  const deadline = performance.now() + timeout;
  // What takes longer is asked for less often, so that waiting tests leave the processor to others.
  for (let pause = 10; performance.now() < deadline; pause = Math.min(pause * 1.5, 100)) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    await sleep(pause);
  }
  throw new Error(`${what} did not happen within ${timeout} ms`);
}
