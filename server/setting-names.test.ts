import { expect, test } from 'vitest';
import { readConfig } from './config.ts';
import { misspeltSettings } from './setting-names.ts';

const key = Buffer.alloc(32).toString('base64');
const acme = {
  OIDC_PROVIDERS: 'acme',
  OIDC_ACME_ISSUER: 'https://login.example.com',
  OIDC_ACME_CLIENT_ID: 'forage',
  PUBLIC_URL: 'https://forage.example.com',
};

test.each([
  ['FORAGE_REGISTRATON', 'FORAGE_REGISTRATION'],
  ['SECRET_KEY', 'SECRETS_KEY'],
  ['DATABSAE_URL', 'DATABASE_URL'],
  ['NATS_URLS', 'NATS_URL'],
  ['nats_url', 'NATS_URL'],
  ['TRUSTED_PROXY', null],
  ['TRUSTED_PROXYS', 'TRUSTED_PROXIES'],
  ['OIDC_ACME_CLIENTID', 'OIDC_ACME_CLIENT_ID'],
  ['OIDC_ACME_ALLOWED_DOMAIN', 'OIDC_ACME_ALLOWED_DOMAINS'],
])('%s looks like %s', (name, meant) => {
  const found = misspeltSettings({ ...acme, [name]: 'x' }, readConfig);
  expect(found).toEqual(meant === null ? [] : [{ name, meant }]);
});

test('what a shell, containers and other programs set is no setting, and settings are none misspelt', () => {
  const others = [
    'PATH',
    'HOME',
    'HOSTNAME',
    'LANG',
    'NODE_ENV',
    'PGHOST',
    'PGDATABASE',
    'POSTGRES_PASSWORD',
  ];
  const services = ['NATS_PORT', 'NATS_SERVICE_HOST', 'DATABASE_PORT', 'FORAGE_PORT', 'NATS_PASSWORD'];
  const traces = ['OTEL_METRICS_EXPORTER', 'OTEL_EXPORTER_OTLP_HEADERS', 'OTEL_SERVICE_NAME'];
  const env = Object.fromEntries([...others, ...services, ...traces].map((name) => [name, 'x']));
  const settings = { SECRETS_KEY: key, SECRETS_KEYS_OLD: key, SESSION_DAYS: '3', PORT: '0' };
  expect(misspeltSettings({ ...env, ...settings, SECRET_KEY: '' }, readConfig)).toEqual([]);
});
