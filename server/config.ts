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
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
  /** How often to look for intents that a lost signal left behind, in seconds. */
  readonly sweepSeconds: number;
  /** How long a graceful stop may take, in seconds. */
  readonly shutdownSeconds: number;
  /** How long a stop goes on taking requests while it says that it is not ready, in seconds. */
  readonly drainSeconds: number;
  /** Files in PEM: with both the port speaks TLS. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** What `/metrics` asks for as a bearer token; null answers it to callers on this machine alone. */
  readonly metricsToken: string | null;
}

/** A setting that stops the start: one line that names the variable. */
export class ConfigError extends Error {}

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

function url(env: Environment, name: string, protocols: readonly string[]): string | null {
  const text = env[name];
  if (text === undefined || text === '') return null;
  // The value may hold a password: the message does not repeat it.
  const words = `${name} must be a URL that starts with ${protocols.join(' or ')}//`;
  if (!URL.canParse(text) || !protocols.includes(new URL(text).protocol)) throw new ConfigError(words);
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

/**
 * Reads the configuration from environment variables (see the README's table).
 * @throws ConfigError with one line that names the variable.
 */
export function readConfig(env: Environment): Config {
  return {
    host: env['HOST'] || '127.0.0.1',
    port: integer(env, 'PORT', 8080, 0, 65535),
    dataDir: env['DATA_DIR'] || './data',
    databaseUrl: url(env, 'DATABASE_URL', ['postgres:', 'postgresql:']),
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
    publicUrl: url(env, 'PUBLIC_URL', ['http:', 'https:'])?.replace(/\/+$/, '') ?? null,
    registration: oneOf(env, 'FORAGE_REGISTRATION', ['open', 'closed'], 'closed'),
    logLevel: oneOf(env, 'LOG_LEVEL', LOG_LEVELS, 'info'),
    sweepSeconds: integer(env, 'SWEEP_SECONDS', 5, 1, 3600),
    shutdownSeconds: integer(env, 'SHUTDOWN_SECONDS', 10, 0, 3600),
    drainSeconds: integer(env, 'DRAIN_SECONDS', 0, 0, 3600),
    tls: tlsFiles(env),
    metricsToken: env['METRICS_TOKEN'] || null,
  };
}
