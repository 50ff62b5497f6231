import type { BlockList } from 'node:net';
import { ConfigError } from './config-error.ts';
import { ProxyListError, readProxies } from './http/client-address.ts';
import { SAMPLERS, type TracesConfig } from './observe/traces-config.ts';
import { type OidcProvider, readOidcProviders } from './oidc-config.ts';
import { readSecretsKey, type SecretsKey, SecretsKeyError } from './secrets/key.ts';

/** Everything that the environment decides. Read and checked once, at start. */
export interface Config {
  readonly host: string;
  /** 0 chooses a free port. */
  readonly port: number;
  readonly dataDir: string;
  /** PostgreSQL by URL; null runs the embedded one in `dataDir`. */
  readonly databaseUrl: string | null;
  readonly databasePoolSize: number;
  /** How long a start waits for a database that is away, in seconds. */
  readonly databaseWaitSeconds: number;
  /** The longest that one statement may take, in seconds. */
  readonly statementTimeoutSeconds: number;
  /** Servers of NATS, separated by commas; null keeps signals in this process. */
  readonly natsUrl: string | null;
  /** What NATS asks for beside the URL: a credentials file, and files in PEM for TLS. */
  readonly natsCredentials: string | null;
  readonly natsTls: { readonly ca: string | null; readonly cert: string | null; readonly key: string | null };
  /** The dashboard's built files; null serves none. */
  readonly staticDir: string | null;
  /** The address people use, without a trailing slash; null derives it from the listening address. */
  readonly publicUrl: string | null;
  readonly registration: 'open' | 'closed';
  /** After how many minutes without use a browser's session ends, and how many days after its beginning in any case. */
  readonly sessionIdleMinutes: number;
  readonly sessionDays: number;
  /** For how many days an access token may be made at most; null sets no limit, and lets tokens be made that never end. */
  readonly tokenMaxDays: number | null;
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
  /** How often to look for intents that a lost signal left behind, in seconds. */
  readonly sweepSeconds: number;
  /** How long a graceful stop may take, in seconds. */
  readonly shutdownSeconds: number;
  /** How long a stop goes on taking requests while it says that it is not ready, in seconds; part of the former. */
  readonly drainSeconds: number;
  /** Proxies that tell truly, by `X-Forwarded-For`, where requests come from. */
  readonly trustedProxies: BlockList;
  /** Files in PEM: with both the port speaks TLS. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** What `/metrics` asks for as a bearer token; null answers it to callers on this machine alone. */
  readonly metricsToken: string | null;
  /** Requests of one credential in a minute, on one server; 0: any number. Without a credential an address has a fifth. */
  readonly rateLimitPerMinute: number;
  /** Open streams of one user, on one server. */
  readonly streamsPerUser: number;
  /** How long the body of a request may take to arrive, in seconds; that of a stream twenty times as long. */
  readonly bodySeconds: number;
  /** Whether webhooks may lead to loopback, link-local and private addresses. */
  readonly webhookAllowPrivate: boolean;
  /** What secrets at rest are encrypted with; null with a `databaseUrl` stores none. */
  readonly secretsKey: SecretsKey | null;
  /** Keys that were used before: secrets are read by them, never written. */
  readonly secretsKeysOld: readonly SecretsKey[];
  /** Traces for a collector of OpenTelemetry; null makes none. */
  readonly traces: TracesConfig | null;
  /** The providers that people may sign in by, in the order that they are shown in. */
  readonly oidcProviders: readonly OidcProvider[];
  /** Whether passwords let anybody in; else only the providers do. */
  readonly passwordSignIn: boolean;
}

export { ConfigError };

type Environment = Readonly<Record<string, string | undefined>>;

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

function integer(env: Environment, name: string, fallback: number, min: number, max: number): number {
  const text = env[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new ConfigError(`${name} must be a whole number from ${min} to ${max}, not "${text}"`);
  }
  return value;
}

function oneOf<T extends string>(env: Environment, name: string, values: readonly T[], fallback: T): T {
  const text = env[name];
  if (text === undefined || text === '') return fallback;
  const value = values.find((v) => v === text);
  if (value === undefined)
    throw new ConfigError(`${name} must be one of ${values.join(', ')}, not "${text}"`);
  return value;
}

function url(
  env: Environment,
  name: string,
  protocols: readonly string[],
  // The value may hold a password: the message does not repeat it.
  words = `${name} must be a URL that starts with ${protocols.map((one) => `${one}//`).join(' or ')}`,
): string | null {
  const text = env[name];
  if (text === undefined || text === '') return null;
  if (!URL.canParse(text) || !protocols.includes(new URL(text).protocol)) throw new ConfigError(words);
  return text;
}

/** A password of many signs is put into it as it is more often than another scheme is named. */
const databaseUrl = (env: Environment): string | null =>
  url(
    env,
    'DATABASE_URL',
    ['postgres:', 'postgresql:'],
    "DATABASE_URL must be postgres://user:password@host:port/database, with '%', '#', '/', '?' and '@' in a password as %25, %23, %2F, %3F and %40",
  );

/** What other addresses are appended to. */
function publicUrl(env: Environment): string | null {
  const text = url(env, 'PUBLIC_URL', ['http:', 'https:']);
  if (text === null) return null;
  const { username, password, search, hash } = new URL(text);
  if (`${username}${password}${search}${hash}` !== '')
    throw new ConfigError('PUBLIC_URL must be an address alone, without a user, ? or #');
  return text.replace(/\/+$/, '');
}

/** As it is shown in a header, where a space would end it. */
function metricsToken(env: Environment): string | null {
  const text = env['METRICS_TOKEN'] || null;
  if (text !== null && /\s/.test(text)) throw new ConfigError('METRICS_TOKEN must have no spaces in it');
  return text;
}

/** One or more URLs, separated by commas, as NATS takes them; a bare `host:port` is one too. */
function natsServers(env: Environment): string | null {
  const text = env['NATS_URL'];
  if (text === undefined || text === '') return null;
  const usable = text.split(',').every((one) => {
    const server = one.trim().includes('://') ? one.trim() : `nats://${one.trim()}`;
    return URL.canParse(server) && ['nats:', 'tls:'].includes(new URL(server).protocol);
  });
  // The value may hold a password: the message does not repeat it.
  if (!usable)
    throw new ConfigError('NATS_URL must be nats://host:port or tls://host:port, several by commas');
  return text;
}

function tlsFiles(env: Environment): Config['tls'] {
  const cert = env['TLS_CERT'] || null;
  const key = env['TLS_KEY'] || null;
  if (cert !== null && key !== null) return { cert, key };
  if (cert !== null || key !== null)
    throw new ConfigError('TLS_CERT and TLS_KEY belong together: set both, or none');
  return null;
}

function trustedProxies(env: Environment): BlockList {
  try {
    return readProxies(env['TRUSTED_PROXIES'] ?? '');
  } catch (error) {
    if (error instanceof ProxyListError) throw new ConfigError(`TRUSTED_PROXIES: ${error.message}`);
    throw error;
  }
}

/** The keys for secrets at rest; the messages never repeat a value. */
function secretsKeys(env: Environment): Pick<Config, 'secretsKey' | 'secretsKeysOld'> {
  const read = (name: string, text: string): SecretsKey => {
    try {
      return readSecretsKey(text);
    } catch (error) {
      if (error instanceof SecretsKeyError) throw new ConfigError(`${name}: ${error.message}`);
      throw error;
    }
  };
  const current = env['SECRETS_KEY']?.trim();
  const old = (env['SECRETS_KEYS_OLD'] ?? '').split(',').filter((text) => text.trim() !== '');
  return {
    secretsKey: current ? read('SECRETS_KEY', current) : null,
    secretsKeysOld: old.map((text) => read('SECRETS_KEYS_OLD', text)),
  };
}

/** By the variables that OpenTelemetry gives its libraries. Off unless one of them says where traces go. */
function traces(env: Environment): TracesConfig | null {
  const exporter = oneOf(env, 'OTEL_TRACES_EXPORTER', ['otlp', 'none'], 'otlp');
  const disabled = oneOf(env, 'OTEL_SDK_DISABLED', ['true', 'false'], 'false') === 'true';
  const protocol = oneOf(env, 'OTEL_EXPORTER_OTLP_PROTOCOL', ['http/protobuf'], 'http/protobuf');
  oneOf(env, 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', ['http/protobuf'], protocol);
  const sampler = oneOf(env, 'OTEL_TRACES_SAMPLER', SAMPLERS, 'parentbased_always_on');
  const ratio = Number(env['OTEL_TRACES_SAMPLER_ARG'] || 1);
  if (!(ratio >= 0 && ratio <= 1)) throw new ConfigError('OTEL_TRACES_SAMPLER_ARG must be from 0 to 1');
  const to =
    env['OTEL_TRACES_EXPORTER'] ||
    url(env, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', ['http:', 'https:']) ||
    url(env, 'OTEL_EXPORTER_OTLP_ENDPOINT', ['http:', 'https:']);
  return disabled || exporter === 'none' || !to ? null : { sampler, ratio };
}

/** A stop's times: how long it may take, and how much of that it goes on as before. */
function stopTimes(env: Environment): Pick<Config, 'shutdownSeconds' | 'drainSeconds'> {
  const shutdownSeconds = integer(env, 'SHUTDOWN_SECONDS', 10, 0, 3600);
  const drainSeconds = integer(env, 'DRAIN_SECONDS', 0, 0, 3600);
  if (drainSeconds > 0 && drainSeconds >= shutdownSeconds)
    throw new ConfigError('DRAIN_SECONDS is part of SHUTDOWN_SECONDS and must be less');
  return { shutdownSeconds, drainSeconds };
}

/** How people sign in. What would leave nobody a way in, or lead providers astray, stops the start. */
function signIn(env: Environment): Pick<Config, 'oidcProviders' | 'passwordSignIn'> {
  const oidcProviders = readOidcProviders(env);
  const passwordSignIn = oneOf(env, 'PASSWORD_SIGN_IN', ['on', 'off'], 'on') === 'on';
  if (oidcProviders.length === 0 && !passwordSignIn)
    throw new ConfigError('PASSWORD_SIGN_IN is off and OIDC_PROVIDERS names none: nobody could sign in');
  // The address that a provider sends people back to is registered there, and is exact.
  const fromHere = /^(127\.|localhost$|::1$)/.test(env['HOST'] || '127.0.0.1');
  if (oidcProviders.length > 0 && !env['PUBLIC_URL'] && !fromHere)
    throw new ConfigError('PUBLIC_URL must be set with OIDC_PROVIDERS: providers send people back to it');
  return { oidcProviders, passwordSignIn };
}

/**
 * Reads the configuration from environment variables (see the README's table).
 * @throws ConfigError with one line that names the variable.
 */
export function readConfig(env: Environment): Config {
  return {
    host: env['HOST'] || '127.0.0.1',
    port: integer(env, 'PORT', 8080, 0, 65535),
    dataDir: env['DATA_DIR'] || './data',
    databaseUrl: databaseUrl(env),
    databasePoolSize: integer(env, 'DATABASE_POOL_SIZE', 20, 2, 500),
    databaseWaitSeconds: integer(env, 'DATABASE_WAIT_SECONDS', 30, 0, 3600),
    statementTimeoutSeconds: integer(env, 'STATEMENT_TIMEOUT_SECONDS', 30, 1, 3600),
    natsUrl: natsServers(env),
    natsCredentials: env['NATS_CREDS'] || null,
    natsTls: {
      ca: env['NATS_TLS_CA'] || null,
      cert: env['NATS_TLS_CERT'] || null,
      key: env['NATS_TLS_KEY'] || null,
    },
    staticDir: env['STATIC_DIR'] || './dist',
    publicUrl: publicUrl(env),
    registration: oneOf(env, 'FORAGE_REGISTRATION', ['open', 'closed'], 'closed'),
    sessionIdleMinutes: integer(env, 'SESSION_IDLE_MINUTES', 12 * 60, 5, 365 * 24 * 60),
    sessionDays: integer(env, 'SESSION_DAYS', 14, 1, 365),
    tokenMaxDays: integer(env, 'TOKEN_MAX_DAYS', 0, 0, 365) || null,
    logLevel: oneOf(env, 'LOG_LEVEL', LOG_LEVELS, 'info'),
    sweepSeconds: integer(env, 'SWEEP_SECONDS', 5, 1, 3600),
    ...stopTimes(env),
    trustedProxies: trustedProxies(env),
    tls: tlsFiles(env),
    metricsToken: metricsToken(env),
    rateLimitPerMinute: integer(env, 'RATE_LIMIT_PER_MINUTE', 6_000, 0, 10_000_000),
    streamsPerUser: integer(env, 'STREAMS_PER_USER', 50, 1, 100_000),
    bodySeconds: integer(env, 'REQUEST_BODY_SECONDS', 30, 1, 3600),
    webhookAllowPrivate: oneOf(env, 'WEBHOOK_ALLOW_PRIVATE', ['0', '1'], '0') === '1',
    ...secretsKeys(env),
    traces: traces(env),
    ...signIn(env),
  };
}
