import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ConfigError, readConfig } from './config.ts';

const ACME = {
  OIDC_PROVIDERS: 'acme',
  OIDC_ACME_ISSUER: 'https://login.example.com/realms/acme',
  OIDC_ACME_CLIENT_ID: 'forage',
  OIDC_ACME_CLIENT_SECRET: 's3cret',
};
const DATABASE_SHAPE =
  "DATABASE_URL: must be postgres://user:password@host:port/database, with '%', '#', '/', '?' and '@' in a password as %25, %23, %2F, %3F and %40";

test.each<[Record<string, string>, string]>([
  [{ PORT: '80.5' }, 'PORT: must be a whole number from 0 to 65535'],
  [{ PORT: 'x', SESSION_DAYS: '0' }, 'PORT: must be a whole number from 0 to 65535; SESSION_DAYS: must be a'],
  [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL: must be one of fatal, error, warn, info, debug, trace, silent'],
  [{ DATABASE_URL: 'localhost:5432/forage' }, DATABASE_SHAPE],
  [{ DATABASE_URL: 'postgres://forage:s3cr#t@localhost/forage' }, DATABASE_SHAPE],
  [{ DATABASE_URL: 'postgres://forage:s3cret@one:5432,two:5432/forage' }, 'DATABASE_URL: must name one host'],
  [{ DATABASE_URL: 'postgres://one,two/forage' }, 'DATABASE_URL: must name one host'],
  [{ NATS_URL: 'http://s3cret@localhost' }, 'NATS_URL: must be nats://host:port'],
  [{ PUBLIC_URL: 'forage.example.com' }, 'PUBLIC_URL: must be a URL that starts with http:// or https://'],
  [{ PUBLIC_URL: 'https://forage.example.com/?from=mail' }, 'PUBLIC_URL: must be an address without'],
  [{ PUBLIC_URL: 'https://forage.example.com/#here' }, 'PUBLIC_URL: must be an address without'],
  [{ PUBLIC_URL: 'https://me:s3cret@forage.example.com' }, 'PUBLIC_URL: must be an address without'],
  [{ TRUSTED_PROXIES: '10.0.0.0/33' }, 'TRUSTED_PROXIES: '],
  [{ METRICS_TOKEN: 's3cret and' }, 'METRICS_TOKEN: must not contain spaces'],
  [{ SECRETS_KEY: 's3cret' }, 'SECRETS_KEY: must be 32 bytes in base64'],
  [{ SECRETS_KEYS_OLD: 's3cret' }, 'SECRETS_KEYS_OLD: must be 32 bytes in base64'],
  [{ TLS_CERT: 'cert.pem' }, 'TLS_CERT and TLS_KEY must be set together'],
  [{ SHUTDOWN_SECONDS: '5', DRAIN_SECONDS: '5' }, 'DRAIN_SECONDS: must be less than SHUTDOWN_SECONDS'],
  [{ OTEL_TRACES_SAMPLER_ARG: '2' }, 'OTEL_TRACES_SAMPLER_ARG: must be a number from 0 to 1'],
  [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, 'OTEL_EXPORTER_OTLP_PROTOCOL: must be one of http/protobuf'],
  [{ PASSWORD_SIGN_IN: 'no' }, 'PASSWORD_SIGN_IN: must be one of on, off'],
  [{ PASSWORD_SIGN_IN: 'off' }, 'PASSWORD_SIGN_IN: cannot be off without OIDC_PROVIDERS'],
  [{ ...ACME, OIDC_PROVIDERS: 'Acme' }, 'OIDC_PROVIDERS: '],
  [{ ...ACME, OIDC_PROVIDERS: 'acme,acme' }, 'OIDC_PROVIDERS: '],
  [{ ...ACME, OIDC_PROVIDERS: 'acme,github' }, 'OIDC_GITHUB_ISSUER: must be set'],
  [{ ...ACME, OIDC_ACME_CLIENT_ID: ' ' }, 'OIDC_ACME_CLIENT_ID: must be set'],
  [{ ...ACME, OIDC_ACME_ISSUER: 'login.example.com' }, 'OIDC_ACME_ISSUER: '],
  [{ ...ACME, OIDC_ACME_ISSUER: 'http://login.example.com' }, 'OIDC_ACME_ISSUER: '],
  [{ ...ACME, OIDC_ACME_ISSUER: 'http://127.0.0.1.evil.example' }, 'OIDC_ACME_ISSUER: '],
  [{ ...ACME, OIDC_ACME_ISSUER: 'https://login.example.com?x=1' }, 'OIDC_ACME_ISSUER: '],
  [{ ...ACME, OIDC_ACME_ALLOWED_DOMAINS: 'example.com,*.example.com' }, 'OIDC_ACME_ALLOWED_DOMAINS: '],
  [{ ...ACME, OIDC_ACME_ALLOWED_DOMAINS: '@example.com' }, 'OIDC_ACME_ALLOWED_DOMAINS: '],
  [{ ...ACME, OIDC_ACME_SCOPES: 'email' }, 'OIDC_ACME_SCOPES: must include openid'],
  [{ ...ACME, OIDC_ACME_TRUST_EMAIL: '1' }, 'OIDC_ACME_TRUST_EMAIL: requires OIDC_ACME_ALLOWED_DOMAINS'],
  [{ ...ACME, HOST: '0.0.0.0' }, 'PUBLIC_URL: must be set with OIDC_PROVIDERS'],
])('refuses %j, names the variable and repeats no secret', (env, message) => {
  const read = () => readConfig(env);
  expect(read).toThrow(ConfigError);
  expect(read).toThrow(message);
  expect(read).not.toThrow(/s3cr/);
});

test('uses the defaults for unset and empty variables', () => {
  expect(readConfig({ PORT: '', HOST: ' ' })).toEqual(readConfig({}));
  expect(readConfig({})).toMatchObject({
    host: '127.0.0.1',
    port: 8080,
    databaseUrl: null,
    staticDir: './dist',
    registration: 'closed',
    tokenMaxDays: null,
    webhookAllowPrivate: false,
    webhookAnswerSeconds: 30,
    secretsKey: null,
    secretsKeysOld: [],
    tls: null,
    traces: null,
    passwordSignIn: true,
    oidcProviders: [],
  });
});

test('reads valid values', () => {
  const databaseUrl = 'postgresql://forage:a%23b@db/forage?sslmode=require';
  const env = {
    DATABASE_URL: databaseUrl,
    NATS_URL: 'nats.example.com:4222, tls://other:4222',
    PUBLIC_URL: 'https://forage.example.com/',
    METRICS_TOKEN: 'one-word',
    WEBHOOK_ALLOW_PRIVATE: '1',
    WEBHOOK_ANSWER_SECONDS: '60',
    TLS_CERT: 'cert.pem',
    TLS_KEY: 'key.pem',
  };
  expect(readConfig(env)).toMatchObject({
    databaseUrl,
    natsUrl: env.NATS_URL,
    publicUrl: 'https://forage.example.com',
    metricsToken: 'one-word',
    webhookAllowPrivate: true,
    webhookAnswerSeconds: 60,
    tls: { cert: 'cert.pem', key: 'key.pem' },
  });
});

test('sends traces only when a destination is set', () => {
  const tracesOf = (env: Record<string, string>) => readConfig(env).traces;
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' };
  expect(tracesOf(endpoint)).toEqual({ sampler: 'parentbased_always_on', ratio: 1 });
  expect(tracesOf({ OTEL_TRACES_EXPORTER: 'otlp' })).not.toBeNull();
  expect(tracesOf({ ...endpoint, OTEL_TRACES_EXPORTER: 'none' })).toBeNull();
  expect(tracesOf({ ...endpoint, OTEL_SDK_DISABLED: 'true' })).toBeNull();
});

test('reads each provider from its own variables', () => {
  const { oidcProviders, passwordSignIn } = readConfig({
    ...ACME,
    PASSWORD_SIGN_IN: 'off',
    OIDC_PROVIDERS: ' acme , on-site ',
    OIDC_ACME_NAME: 'Acme accounts',
    OIDC_ACME_ALLOWED_DOMAINS: 'Acme.example, sub.acme.example',
    OIDC_ON_SITE_ISSUER: 'http://127.0.0.1:9000',
    OIDC_ON_SITE_CLIENT_ID: 'f',
    OIDC_ON_SITE_SCOPES: 'openid email',
  });
  expect(passwordSignIn).toBe(false);
  expect(oidcProviders).toEqual([
    {
      id: 'acme',
      name: 'Acme accounts',
      issuer: 'https://login.example.com/realms/acme',
      clientId: 'forage',
      clientSecret: 's3cret',
      allowedDomains: ['acme.example', 'sub.acme.example'],
      trustEmail: false,
      scopes: 'openid email profile',
    },
    {
      id: 'on-site',
      name: 'on-site',
      issuer: 'http://127.0.0.1:9000',
      clientId: 'f',
      clientSecret: null,
      allowedDomains: [],
      trustEmail: false,
      scopes: 'openid email',
    },
  ]);
});

test.each([
  ['FORAGE_REGISTRATON', 'FORAGE_REGISTRATION'],
  ['SECRET_KEY', 'SECRETS_KEY'],
  ['DATABSAE_URL', 'DATABASE_URL'],
  ['NATS_URLS', 'NATS_URL'],
  ['nats_url', 'NATS_URL'],
  ['OIDC_ACME_CLIENTID', 'OIDC_ACME_CLIENT_ID'],
  ['DATABASE_URL_FIEL', 'DATABASE_URL_FILE'],
])('refuses %s and names the setting', (name, setting) => {
  expect(() => readConfig({ ...ACME, [name]: 'x' })).toThrow(
    `${name} is not a setting; use ${setting}, or remove it`,
  );
});

test('refuses the variables of a provider that is not named', () => {
  expect(() => readConfig({ ...ACME, OIDC_PROVIDERS: '' })).toThrow(
    'OIDC_ACME_ISSUER: OIDC_PROVIDERS does not name this provider',
  );
});

describe('a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'forage-settings-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const fileOf = (content: string) => {
    const file = join(folder, randomUUID());
    writeFileSync(file, content);
    return file;
  };

  test('gives a secret or an address', () => {
    const env = {
      ...ACME,
      DATABASE_URL_FILE: fileOf('postgres://forage:s3cret@db/forage\n'),
      OIDC_ACME_CLIENT_SECRET: '',
      OIDC_ACME_CLIENT_SECRET_FILE: fileOf('from a file\n'),
    };
    expect(readConfig(env)).toMatchObject({
      databaseUrl: 'postgres://forage:s3cret@db/forage',
      oidcProviders: [{ clientSecret: 'from a file' }],
    });
  });

  test.each<[Record<string, string>, string]>([
    [{ DATABASE_URL_FILE: join(folder, 'none') }, `DATABASE_URL_FILE: cannot read ${folder}/none (ENOENT)`],
    [{ DATABASE_URL_FILE: fileOf(' \n') }, 'is empty'],
    [{ DATABASE_URL_FILE: fileOf('s3cret') }, DATABASE_SHAPE],
    [
      { METRICS_TOKEN: 's3cret', METRICS_TOKEN_FILE: fileOf('x') },
      'METRICS_TOKEN and METRICS_TOKEN_FILE must',
    ],
    [{ PORT_FILE: fileOf('80') }, 'PORT_FILE: PORT cannot be read from a file'],
    [{ TLS_CERT_FILE: fileOf('x') }, 'TLS_CERT_FILE: TLS_CERT cannot be read from a file'],
  ])('is refused: %j', (env, message) => {
    expect(() => readConfig(env)).toThrow(message);
    expect(() => readConfig(env)).not.toThrow(/s3cr/);
  });
});

test('ignores variables of shells, containers and other programs', () => {
  const names = [
    ...['PATH', 'HOME', 'HOSTNAME', 'LANG', 'NODE_ENV', 'PGHOST', 'PGDATABASE', 'POSTGRES_PASSWORD'],
    ...['NATS_PORT', 'NATS_SERVICE_HOST', 'DATABASE_PORT', 'FORAGE_PORT', 'NATS_PASSWORD'],
    ...['OTEL_METRICS_EXPORTER', 'OTEL_EXPORTER_OTLP_HEADERS', 'OTEL_SERVICE_NAME'],
  ];
  const env = Object.fromEntries(names.map((name) => [name, 'x']));
  expect(readConfig({ ...env, SECRET_KEY: '' })).toEqual(readConfig({}));
});
