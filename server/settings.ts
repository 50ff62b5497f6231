import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { databaseUrlOf } from './db/database-url.ts';
import { readProxies } from './http/client-address.ts';
import { SAMPLERS } from './observe/tracing.ts';
import { readSecretsKey } from './secrets/keyring.ts';

/*
 * Every environment variable, in the sections of docs/configuration.md, which `npm run configuration` generates from here.
 * Messages never repeat a value that may hold a secret. Valibot, because zod would add 20 MB to the server's memory.
 */

/** A setting that stops the start: one line that names the variable. */
export class ConfigError extends Error {}

export type Environment = Readonly<Record<string, string | undefined>>;

/** `values` describes what is allowed. A setting without a default is null when it is unset. */
const about = <T>(description: string, values = '') =>
  v.metadata<T, { description: string; values: string }>({ description, values });

const wholeNumber = (fallback: number, min: number, max: number, description: string) => {
  const message = `must be a whole number from ${min} to ${max}`;
  return v.pipe(
    v.optional(v.string(), String(fallback)),
    v.transform(Number),
    v.integer(message),
    v.minValue(min, message),
    v.maxValue(max, message),
    about(description, `${min} to ${max}`),
  );
};

export const oneOf = <const T extends readonly [string, ...string[]]>(
  values: T,
  fallback: T[number],
  description: string,
) =>
  v.pipe(
    v.optional(v.picklist(values, `must be one of ${values.join(', ')}`), fallback),
    about(description, values.map((value) => `\`${value}\``).join(', ')),
  );

export const textOr = (fallback: string, description: string) =>
  v.pipe(v.optional(v.string(), fallback), about(description));

export const required = (description: string) =>
  v.pipe(v.optional(v.string(), ''), v.nonEmpty('must be set'), about(description, 'required'));

/** Text that `read` parses; it throws an error whose message describes the problem. */
export const optional = <T = string>(description: string, read?: (text: string) => T) =>
  v.pipe(
    v.optional(v.nullable(v.string()), null),
    v.rawTransform<string | null, T | null>(({ dataset: { value }, addIssue, NEVER }) => {
      if (value === null) return null;
      try {
        return read === undefined ? (value as T) : read(value);
      } catch (error) {
        addIssue({ message: error instanceof Error ? error.message : String(error) });
        return NEVER;
      }
    }),
    about(description),
  );

/** A setting that `NAME_FILE` may give as a file: a secret or an address, which containers mount. */
export const orFile = <Setting extends v.GenericSchema>(setting: Setting) =>
  v.pipe(setting, v.metadata<v.InferOutput<Setting>, { file: true }>({ file: true }));

/** Whether `NAME_FILE` may give a setting. */
export const readsFile = (setting: v.GenericSchema): boolean => v.getMetadata(setting)['file'] === true;

/** The parts of a comma-separated list, without empty ones. */
export const listOf = (text: string): string[] =>
  text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');

/** The names of the variables of a schema, with those that name a file. */
export const namesOf = (settings: Readonly<Record<string, v.GenericSchema>>, prefix = ''): string[] =>
  Object.entries(settings).flatMap(([key, setting]) =>
    readsFile(setting) ? [prefix + key, `${prefix}${key}_FILE`] : [prefix + key],
  );

/** The text of a setting, or of the file that `NAME_FILE` names; undefined when neither is set. */
function textOf(env: Environment, name: string, setting: v.GenericSchema): string | undefined {
  const text = env[name]?.trim() || undefined;
  const file = env[`${name}_FILE`]?.trim();
  if (!file) return text;
  if (!readsFile(setting)) throw new ConfigError(`${name}_FILE: ${name} cannot be read from a file`);
  if (text !== undefined) throw new ConfigError(`${name} and ${name}_FILE must not both be set`);
  let content: string;
  try {
    content = readFileSync(file, 'utf8').trim();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : error;
    throw new ConfigError(`${name}_FILE: cannot read ${file} (${String(code)})`);
  }
  // As if it were unset: that would start the embedded database beside the real one.
  if (content === '') throw new ConfigError(`${name}_FILE: ${file} is empty`);
  return content;
}

/**
 * Parses `env` by a schema whose keys are names of variables without `prefix`. Empty variables count as unset. `NAME_FILE` gives the
 * text of a secret or an address as a file.
 * @throws ConfigError that names each wrong variable
 */
export function parseSettings<Schema extends v.ObjectSchema<v.ObjectEntries, undefined>>(
  schema: Schema,
  env: Environment,
  prefix = '',
): v.InferOutput<Schema> {
  const given = Object.entries(schema.entries).map(([key, setting]) => [
    key,
    textOf(env, prefix + key, setting as v.GenericSchema),
  ]);
  const result = v.safeParse(schema, Object.fromEntries(given));
  if (result.success) return result.output;
  const problems = result.issues.map(({ path, message }) => `${prefix}${String(path?.[0].key)}: ${message}`);
  throw new ConfigError(problems.join('; '));
}

const isUrl = (text: string, protocols: readonly string[]): boolean =>
  URL.canParse(text) && protocols.includes(new URL(text).protocol);

function readHttpUrl(text: string): string {
  if (!isUrl(text, ['http:', 'https:']))
    throw new Error('must be a URL that starts with http:// or https://');
  return text;
}

/** Other addresses are appended to it. */
function readPublicUrl(text: string): string {
  const { username, password, search, hash } = new URL(readHttpUrl(text));
  if (`${username}${password}${search}${hash}` !== '')
    throw new Error('must be an address without a user, ? or #');
  return text.replace(/\/+$/, '');
}

function readDatabaseUrl(text: string): string {
  if (/^postgres(ql)?:\/\/([^/?#]*@)?[^/?#@]*,/.test(text)) {
    throw new Error(
      'must name one host; use an address that always leads to the primary, such as that of a proxy, or a DNS name',
    );
  }
  let protocol: string | null = null;
  try {
    protocol = databaseUrlOf(text).protocol;
  } catch {
    // Refused below.
  }
  if (protocol !== 'postgres:' && protocol !== 'postgresql:') {
    throw new Error(
      "must be postgres://user:password@host:port/database, with '%', '#', '/', '?' and '@' in a password as %25, %23, %2F, %3F and %40",
    );
  }
  return text;
}

/** NATS also accepts a bare `host:port`. */
function readNatsServers(text: string): string {
  const usable = text
    .split(',')
    .map((one) => one.trim())
    .every((one) => isUrl(one.includes('://') ? one : `nats://${one}`, ['nats:', 'tls:']));
  if (!usable) throw new Error('must be nats://host:port or tls://host:port, comma-separated');
  return text;
}

function readMetricsToken(text: string): string {
  if (/\s/.test(text)) throw new Error('must not contain spaces');
  return text;
}

const PEM = 'a file in PEM format';
/** Seconds in an hour, the limit of most times. */
const HOUR = 3600;

const web = {
  HOST: textOr('127.0.0.1', 'The address to listen on.'),
  PORT: wholeNumber(8080, 0, 65_535, 'The port to listen on; `0` chooses a free one.'),
  PUBLIC_URL: orFile(
    optional(
      'The address that people use, such as `https://forage.example.com`; by default the listening address. Cookies are secure if it starts with `https://`.',
      readPublicUrl,
    ),
  ),
  STATIC_DIR: textOr('./dist', 'The folder of the built dashboard.'),
  TLS_CERT: optional(`The certificate and its chain, ${PEM}. The port then speaks TLS only.`),
  TLS_KEY: optional(`The key of \`TLS_CERT\`, ${PEM}, without a passphrase.`),
  TRUSTED_PROXIES: optional(
    'Addresses and networks (`10.0.0.0/8`) of the proxies in front of Forage, comma-separated. `X-Forwarded-For` is ignored from any other address.',
    readProxies,
  ),
  SHUTDOWN_SECONDS: wholeNumber(
    10,
    0,
    HOUR,
    'How long a graceful shutdown waits for requests before it cuts them off.',
  ),
  DRAIN_SECONDS: wholeNumber(
    0,
    0,
    HOUR,
    'How long a shutting-down server still accepts requests while `/readyz` reports that it is not ready. Part of `SHUTDOWN_SECONDS`, and less.',
  ),
};

const database = {
  DATA_DIR: textOr('./data', 'The folder of the embedded database.'),
  DATABASE_URL: orFile(
    optional(
      'Your own PostgreSQL: `postgres://user:password@host:port/database` ([options](postgresql.md)). Without it, Forage runs the embedded database.',
      readDatabaseUrl,
    ),
  ),
  DATABASE_POOL_SIZE: wholeNumber(20, 2, 500, 'The most connections to the database.'),
  DATABASE_WAIT_SECONDS: wholeNumber(30, 0, HOUR, 'How long to wait for the database at startup.'),
  STATEMENT_TIMEOUT_SECONDS: wholeNumber(
    30,
    1,
    HOUR,
    'The time limit of one SQL statement. It waits for a lock at most half as long.',
  ),
};

const servers = {
  NATS_URL: orFile(
    optional(
      '`nats://host:port` or `tls://host:port`, comma-separated. Servers that share a database notify each other through NATS.',
      readNatsServers,
    ),
  ),
  NATS_CREDS: optional('A NATS credentials file, instead of `user:password@` or `token@` in `NATS_URL`.'),
  NATS_TLS_CA: optional(`The authority that signed the certificate of NATS, ${PEM}.`),
  NATS_TLS_CERT: optional(`The client certificate for NATS, ${PEM}.`),
  NATS_TLS_KEY: optional(`The key of \`NATS_TLS_CERT\`, ${PEM}.`),
  SWEEP_SECONDS: wholeNumber(5, 1, HOUR, 'How often to look for releases whose signal was lost.'),
};

const signIn = {
  FORAGE_REGISTRATION: oneOf(
    ['open', 'closed'],
    'closed',
    '`open` lets anyone register. With `closed`, admins create users and add them.',
  ),
  PASSWORD_SIGN_IN: oneOf(
    ['on', 'off'],
    'on',
    'With `off`, people sign in through OpenID Connect providers only.',
  ),
  SESSION_IDLE_MINUTES: wholeNumber(
    12 * 60,
    5,
    365 * 24 * 60,
    'A browser session ends after this many minutes without use.',
  ),
  SESSION_DAYS: wholeNumber(14, 1, 365, 'A browser session ends this many days after sign-in.'),
  TOKEN_MAX_DAYS: wholeNumber(
    0,
    0,
    365,
    'The longest life of a new access token, in days; `0` also allows tokens that never expire.',
  ),
  OIDC_PROVIDERS: optional(
    'Names of OpenID Connect providers, comma-separated, each 1 to 32 lower-case letters, digits or dashes. Each has [its own variables](#openid-connect-providers).',
  ),
};

const security = {
  SECRETS_KEY: orFile(
    optional(
      'The key that encrypts webhook secrets: 32 bytes in base64 (`openssl rand -base64 32`), the same for all servers. With the embedded database, Forage creates a key in `DATA_DIR` if this is unset.',
      readSecretsKey,
    ),
  ),
  SECRETS_KEYS_OLD: orFile(
    optional(
      'Earlier keys, comma-separated, which only decrypt ([rotation](operations.md#secrets)).',
      (text) => listOf(text).map(readSecretsKey),
    ),
  ),
  WEBHOOK_ALLOW_PRIVATE: oneOf(
    ['0', '1'],
    '0',
    '`1` allows webhooks to loopback, link-local and private addresses.',
  ),
  WEBHOOK_ANSWER_SECONDS: wholeNumber(
    30,
    1,
    HOUR,
    'Seconds in which a webhook receiver must begin to answer. One that needs longer answers 202 and reports later.',
  ),
  RATE_LIMIT_PER_MINUTE: wholeNumber(
    6_000,
    0,
    10_000_000,
    'Requests per credential and server, counted in windows of ten seconds. An address without a credential gets a fifth. With open registration, an address that has registered a sixtieth as many users waits before each further one, for up to 15 minutes. `0` turns both limits off.',
  ),
  STREAMS_PER_USER: wholeNumber(50, 1, 100_000, 'Open streams (`WaitRelease`) per user and server.'),
  STREAMS_PER_ORGANISATION: wholeNumber(200, 1, 100_000, 'The same per organisation and server.'),
  STREAM_STALL_SECONDS: wholeNumber(
    60,
    1,
    HOUR,
    'A stream whose reader takes nothing for this long is closed.',
  ),
  STORAGE_MIB_PER_ORGANISATION: wholeNumber(
    2_048,
    1,
    10_000_000,
    'Files of builds per organisation, in MiB. Above it, no build with files can be annotated until older files are removed.',
  ),
  UPLOAD_MIB_PER_DAY: wholeNumber(500, 1, 10_000_000, 'Uploads per user and day (UTC), in MiB.'),
  REQUEST_BODY_SECONDS: wholeNumber(
    300,
    1,
    HOUR,
    'Seconds in which a whole request must arrive, uploads included. After that its connection is cut (in HTTP/2 its stream).',
  ),
};

const OTLP = ['http/protobuf'] as const;
const observability = {
  LOG_LEVEL: oneOf(
    ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
    'info',
    'The lowest level that is logged.',
  ),
  METRICS_TOKEN: orFile(
    optional(
      'The bearer token for `/metrics`. Without it, only requests from the same machine may read them.',
      readMetricsToken,
    ),
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: orFile(
    optional(
      'The collector that receives traces. Traces are off unless this, the next variable or `OTEL_TRACES_EXPORTER` is set.',
      readHttpUrl,
    ),
  ),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: orFile(optional('The same, for traces only.', readHttpUrl)),
  OTEL_TRACES_EXPORTER: v.pipe(
    v.optional(v.nullable(v.picklist(['otlp', 'none'], 'must be one of otlp, none')), null),
    about('`otlp` sends traces to the default endpoint; `none` turns them off.', '`otlp`, `none`'),
  ),
  OTEL_SDK_DISABLED: oneOf(['true', 'false'], 'false', '`true` turns traces off.'),
  OTEL_EXPORTER_OTLP_PROTOCOL: oneOf(OTLP, 'http/protobuf', 'The only supported protocol.'),
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: oneOf(OTLP, 'http/protobuf', 'The same, for traces only.'),
  OTEL_TRACES_SAMPLER: oneOf(SAMPLERS, 'parentbased_always_on', 'Which traces are kept.'),
  OTEL_TRACES_SAMPLER_ARG: v.pipe(
    v.optional(v.string(), '1'),
    v.transform(Number),
    v.number('must be a number from 0 to 1'),
    v.minValue(0, 'must be a number from 0 to 1'),
    v.maxValue(1, 'must be a number from 0 to 1'),
    about('The share of traces that the `ratio` samplers keep.', '0 to 1'),
  ),
};

/** The sections of the documentation. */
export const SECTIONS = {
  'Web server': web,
  Database: database,
  'Several servers': servers,
  'Sign-in': signIn,
  Security: security,
  Observability: observability,
} as const;

export const settingsSchema = v.object({
  ...web,
  ...database,
  ...servers,
  ...signIn,
  ...security,
  ...observability,
});
