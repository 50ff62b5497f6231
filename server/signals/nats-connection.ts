import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AuthorizationError,
  type ConnectionOptions,
  connect,
  credsAuthenticator,
  type NatsConnection,
  PermissionViolationError,
  TimeoutError,
  UserAuthenticationExpiredError,
} from '@nats-io/transport-node';
import pRetry from 'p-retry';
import type { Config } from '#server/config.ts';

type NatsConfig = Pick<Config, 'natsUrl' | 'natsCredentials' | 'natsTls'>;

interface ConnectionEvents {
  /** Prepares a new connection, which is used once this has resolved and closed if it rejects. */
  prepare(connection: NatsConnection): Promise<void>;
  /** The connection is ready. */
  up(connection: NatsConnection, address: string): void;
  /** There is no connection; called after each failed attempt too. */
  down(reason: NatsError): void;
}

/** The time limit of one attempt. */
const ATTEMPT_MS = 5_000;
const MIN_PAUSE_MS = 100;
const MAX_PAUSE_MS = 2_000;
/** An unresponsive NATS or network is detected within three of these. */
const PING_MS = 2_000;
const DRAIN_TIMEOUT_MS = 1_000;

/**
 * Keeps one connection to NATS: at the start and after each loss it tries all servers, with increasing pauses. Every connection
 * is a new one, which uses renewed credentials, certificates and addresses.
 * @returns a function that sends pending signals for at most a second and ends the connection
 */
export function keepConnected(
  config: NatsConfig,
  name: string,
  events: ConnectionEvents,
): () => Promise<void> {
  const servers = natsServers(config);
  const stopping = new AbortController();
  let current: NatsConnection | null = null;

  const attempt = async ({ address, options }: NatsServer) => {
    let connection: NatsConnection | null = null;
    try {
      connection = await connect({
        ...options,
        ...(await credentialsOf(config)),
        name,
        reconnect: false,
        ignoreClusterUpdates: true,
        timeout: ATTEMPT_MS,
        pingInterval: PING_MS,
        maxPingOut: 2,
      });
      await Promise.race([events.prepare(connection), timeout()]);
      return { connection, address };
    } catch (error) {
      await connection?.close();
      throw natsErrorOf(error, address);
    }
  };
  const anyServer = async () => {
    const reasons: string[] = [];
    for (const server of servers) {
      stopping.signal.throwIfAborted();
      try {
        return await attempt(server);
      } catch (error) {
        reasons.push(natsErrorOf(error, server.address).message);
      }
    }
    throw new NatsError(reasons.join('; '));
  };
  const connected = () =>
    pRetry(anyServer, {
      retries: Number.POSITIVE_INFINITY,
      minTimeout: MIN_PAUSE_MS,
      maxTimeout: MAX_PAUSE_MS,
      randomize: true,
      signal: stopping.signal,
      onFailedAttempt: ({ error }) => events.down(natsErrorOf(error, '')),
    });
  const keep = async () => {
    while (!stopping.signal.aborted) {
      const { connection, address } = await connected();
      if (stopping.signal.aborted) return connection.close();
      current = connection;
      events.up(connection, address);
      const reason = await connection.closed();
      current = null;
      if (stopping.signal.aborted) return;
      events.down(natsErrorOf(reason, address));
      // Spreads the reconnections of several servers, and avoids a busy loop.
      await sleep(MIN_PAUSE_MS * (1 + Math.random()), undefined, { signal: stopping.signal });
    }
  };
  keep().catch((error: unknown) => {
    if (!stopping.signal.aborted) throw error;
  });

  return async () => {
    stopping.abort();
    if (current === null) return;
    const connection: NatsConnection = current;
    await Promise.race([
      connection.drain().catch(() => {}),
      sleep(DRAIN_TIMEOUT_MS, undefined, { ref: false }),
    ]);
    await connection.close();
  };
}

async function timeout(): Promise<never> {
  await sleep(ATTEMPT_MS, undefined, { ref: false });
  throw new TimeoutError();
}

interface NatsServer {
  /** `host:port`, without secrets. */
  readonly address: string;
  readonly options: ConnectionOptions;
}

/** The servers of NATS_URL in random order, so that several Forage servers spread over them. */
function natsServers({ natsUrl, natsCredentials, natsTls }: NatsConfig): readonly NatsServer[] {
  const { ca, cert, key } = natsTls;
  const files = {
    ...(ca === null ? {} : { caFile: ca }),
    ...(cert === null ? {} : { certFile: cert }),
    ...(key === null ? {} : { keyFile: key }),
  };
  const servers = (natsUrl ?? '').split(',').map((one) => {
    const text = one.trim();
    const url = new URL(text.includes('://') ? text : `nats://${text}`);
    // Without either, TLS is used if the NATS server offers it.
    const tls = url.protocol === 'tls:' || Object.keys(files).length > 0 ? { tls: files } : {};
    const address = `${url.hostname}:${url.port || '4222'}`;
    // NATS_CREDS replaces the login of the URL.
    const login = natsCredentials === null ? loginOf(url) : {};
    return { address, options: { servers: [address], ...tls, ...login } };
  });
  return servers
    .map((server) => ({ server, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ server }) => server);
}

/** Reads `user:password@` or `token@`. */
function loginOf({ username, password }: URL): ConnectionOptions {
  if (username === '') return {};
  const user = decoded(username);
  return password === '' ? { token: user } : { user, pass: decoded(password) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A percent sign outside an escape is literal.
    return text;
  }
}

/** Reads NATS_CREDS for each connection, because credentials are renewed. */
async function credentialsOf({ natsCredentials }: NatsConfig): Promise<ConnectionOptions> {
  if (natsCredentials === null) return {};
  return { authenticator: credsAuthenticator(await readFile(natsCredentials)) };
}

/** NATS cannot be used. The message says what happened, and what an operator can do. */
export class NatsError extends Error {}

/** @param address of the server, `host:port`. The message contains no secret. */
export function natsErrorOf(error: unknown, address: string): NatsError {
  if (error instanceof NatsError) return error;
  return new NatsError(`${address}: ${explain(error)}`, { cause: error });
}

function explain(error: unknown): string {
  for (let one = error; one instanceof Error; one = one.cause) {
    if (one instanceof AuthorizationError || one instanceof UserAuthenticationExpiredError) {
      return 'credentials refused; check the user and password, or the token, in NATS_URL, or the file of NATS_CREDS';
    }
    if (one instanceof PermissionViolationError) {
      const what = one.operation === 'publish' ? 'publish to' : 'subscribe to';
      return `the user may not ${what} ${one.subject}; allow publish and subscribe for forest.>`;
    }
    if (one instanceof TimeoutError) return 'no answer';
    const code = 'code' in one ? String(one.code) : '';
    if (code === 'ECONNREFUSED') return 'connection refused';
    if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'unknown host name';
    if (code === 'ENOENT') return `a file of NATS_CREDS or NATS_TLS_… is missing: ${one.message}`;
  }
  return error instanceof Error ? error.message : 'connection closed by the server';
}
