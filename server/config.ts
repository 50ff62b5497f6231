import { BlockList } from 'node:net';
import { closest, distance } from 'fastest-levenshtein';
import type * as v from 'valibot';
import { MIB } from './limits.ts';
import type { TracesConfig } from './observe/tracing.ts';
import { isOfProvider, providerVariables, readOidcProviders } from './oidc-config.ts';
import { ConfigError, type Environment, listOf, namesOf, parseSettings, settingsSchema } from './settings.ts';

export { ConfigError };

type Settings = v.InferOutput<typeof settingsSchema>;

/** The validated configuration. `null` stands for "not configured". */
export type Config = Readonly<ReturnType<typeof readConfig>>;

/**
 * Reads the configuration from environment variables (docs/configuration.md).
 * @throws ConfigError with one line that names each wrong variable. No secret is repeated in it.
 */
export function readConfig(env: Environment) {
  const unknown = unknownSettings(env);
  if (unknown.length > 0) throw new ConfigError(unknown.join('; '));
  const settings = parseSettings(settingsSchema, env);
  if (settings.DRAIN_SECONDS > 0 && settings.DRAIN_SECONDS >= settings.SHUTDOWN_SECONDS)
    throw new ConfigError('DRAIN_SECONDS: must be less than SHUTDOWN_SECONDS, which includes it');
  return {
    host: settings.HOST,
    /** 0 chooses a free port. */
    port: settings.PORT,
    dataDir: settings.DATA_DIR,
    /** null runs the embedded PostgreSQL in `dataDir`. */
    databaseUrl: settings.DATABASE_URL,
    databasePoolSize: settings.DATABASE_POOL_SIZE,
    databaseWaitSeconds: settings.DATABASE_WAIT_SECONDS,
    statementTimeoutSeconds: settings.STATEMENT_TIMEOUT_SECONDS,
    /** Comma-separated; null keeps signals in this process. */
    natsUrl: settings.NATS_URL,
    natsCredentials: settings.NATS_CREDS,
    natsTls: { ca: settings.NATS_TLS_CA, cert: settings.NATS_TLS_CERT, key: settings.NATS_TLS_KEY },
    /** null serves no dashboard. */
    staticDir: settings.STATIC_DIR as string | null,
    /** Without a trailing slash; null derives it from the listening address. */
    publicUrl: settings.PUBLIC_URL,
    registration: settings.FORAGE_REGISTRATION,
    sessionIdleMinutes: settings.SESSION_IDLE_MINUTES,
    sessionDays: settings.SESSION_DAYS,
    /** null also allows access tokens that never expire. */
    tokenMaxDays: settings.TOKEN_MAX_DAYS || null,
    logLevel: settings.LOG_LEVEL,
    sweepSeconds: settings.SWEEP_SECONDS,
    /** How long a graceful shutdown may take, `drainSeconds` included. */
    shutdownSeconds: settings.SHUTDOWN_SECONDS,
    drainSeconds: settings.DRAIN_SECONDS,
    trustedProxies: settings.TRUSTED_PROXIES ?? new BlockList(),
    /** PEM files; null serves plain HTTP. */
    tls: tlsFiles(settings),
    metricsToken: settings.METRICS_TOKEN,
    rateLimitPerMinute: settings.RATE_LIMIT_PER_MINUTE,
    streamsPerUser: settings.STREAMS_PER_USER,
    streamsPerOrganisation: settings.STREAMS_PER_ORGANISATION,
    streamStallSeconds: settings.STREAM_STALL_SECONDS,
    /** In bytes. */
    storagePerOrganisation: settings.STORAGE_MIB_PER_ORGANISATION * MIB,
    /** In bytes, for one user in one day. */
    uploadPerDay: settings.UPLOAD_MIB_PER_DAY * MIB,
    bodySeconds: settings.REQUEST_BODY_SECONDS,
    webhookAllowPrivate: settings.WEBHOOK_ALLOW_PRIVATE === '1',
    webhookAnswerSeconds: settings.WEBHOOK_ANSWER_SECONDS,
    /** null, with a `databaseUrl`, stores no secrets. */
    secretsKey: settings.SECRETS_KEY,
    secretsKeysOld: settings.SECRETS_KEYS_OLD ?? [],
    /** null sends no traces. */
    traces: traces(settings),
    ...signIn(settings, env),
  };
}

function tlsFiles({ TLS_CERT: cert, TLS_KEY: key }: Settings): { cert: string; key: string } | null {
  if (cert !== null && key !== null) return { cert, key };
  if (cert !== null || key !== null) throw new ConfigError('TLS_CERT and TLS_KEY must be set together');
  return null;
}

function traces(settings: Settings): TracesConfig | null {
  const on =
    settings.OTEL_TRACES_EXPORTER ??
    settings.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ??
    settings.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (!on || on === 'none' || settings.OTEL_SDK_DISABLED === 'true') return null;
  return { sampler: settings.OTEL_TRACES_SAMPLER, ratio: settings.OTEL_TRACES_SAMPLER_ARG };
}

function signIn(settings: Settings, env: Environment) {
  const oidcProviders = readOidcProviders(settings.OIDC_PROVIDERS ?? '', env);
  const passwordSignIn = settings.PASSWORD_SIGN_IN === 'on';
  if (oidcProviders.length === 0 && !passwordSignIn)
    throw new ConfigError('PASSWORD_SIGN_IN: cannot be off without OIDC_PROVIDERS: no one could sign in');
  // Providers know the exact address to which they send people back.
  const isLocal = /^(127\.|localhost$|::1$)/.test(settings.HOST);
  if (oidcProviders.length > 0 && settings.PUBLIC_URL === null && !isLocal)
    throw new ConfigError(
      'PUBLIC_URL: must be set with OIDC_PROVIDERS, because providers send people back to it',
    );
  return { oidcProviders, passwordSignIn };
}

/** Shorter names are similar to too many unrelated variables. */
const MIN_LENGTH = 7;

/**
 * What is wrong with variables that are no setting but look like one: they differ from it by a letter or two, or belong to a provider
 * that OIDC_PROVIDERS does not name. A misspelt DATABASE_URL would start an empty database beside the real one.
 */
function unknownSettings(env: Environment): string[] {
  const settings = [
    ...namesOf(settingsSchema.entries),
    ...listOf(env['OIDC_PROVIDERS'] ?? '').flatMap(providerVariables),
  ];
  const candidates = settings.filter((name) => name.length >= MIN_LENGTH);
  return Object.keys(env).flatMap((name) => {
    if (settings.includes(name) || env[name] === '') return [];
    const setting = closest(name.toUpperCase(), candidates);
    const allowed = setting.length < 10 ? 1 : 2;
    if (distance(name.toUpperCase(), setting) <= allowed)
      return [`${name} is not a setting; use ${setting}, or remove it`];
    return isOfProvider(name) ? [`${name}: OIDC_PROVIDERS does not name this provider`] : [];
  });
}
