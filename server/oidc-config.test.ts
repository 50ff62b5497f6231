import { expect, test } from 'vitest';
import { ConfigError, readConfig } from './config.ts';

const acme = {
  OIDC_PROVIDERS: 'acme',
  OIDC_ACME_ISSUER: 'https://login.example.com/realms/acme',
  OIDC_ACME_CLIENT_ID: 'forage',
};

test('a provider is what its variables say', () => {
  expect(readConfig({}).oidcProviders).toEqual([]);
  expect(readConfig(acme).oidcProviders).toEqual([
    {
      id: 'acme',
      name: 'acme',
      issuer: 'https://login.example.com/realms/acme',
      clientId: 'forage',
      clientSecret: null,
      allowedDomains: [],
      scopes: 'openid email profile',
    },
  ]);
  const more = readConfig({
    ...acme,
    OIDC_PROVIDERS: ' acme , on-site ',
    OIDC_ACME_CLIENT_SECRET: 's3cret',
    OIDC_ACME_NAME: 'Acme accounts',
    OIDC_ACME_ALLOWED_DOMAINS: 'Acme.example, sub.acme.example',
    OIDC_ON_SITE_ISSUER: 'http://127.0.0.1:9000',
    OIDC_ON_SITE_CLIENT_ID: 'f',
    OIDC_ON_SITE_SCOPES: 'openid email',
  }).oidcProviders;
  expect(more).toMatchObject([
    { clientSecret: 's3cret', name: 'Acme accounts', allowedDomains: ['acme.example', 'sub.acme.example'] },
    { id: 'on-site', issuer: 'http://127.0.0.1:9000', scopes: 'openid email' },
  ]);
});

test.each([
  [{ OIDC_PROVIDERS: 'Acme' }, 'OIDC_PROVIDERS'],
  [{ OIDC_PROVIDERS: 'acme,acme' }, 'OIDC_PROVIDERS'],
  [{ OIDC_PROVIDERS: 'acme,github' }, 'OIDC_GITHUB_ISSUER'],
  [{ OIDC_ACME_CLIENT_ID: ' ' }, 'OIDC_ACME_CLIENT_ID'],
  [{ OIDC_ACME_ISSUER: 'login.example.com' }, 'OIDC_ACME_ISSUER'],
  [{ OIDC_ACME_ISSUER: 'http://login.example.com' }, 'OIDC_ACME_ISSUER'],
  [{ OIDC_ACME_ISSUER: 'http://127.0.0.1.evil.example' }, 'OIDC_ACME_ISSUER'],
  [{ OIDC_ACME_ISSUER: 'https://login.example.com?x=1' }, 'OIDC_ACME_ISSUER'],
  [{ OIDC_ACME_ALLOWED_DOMAINS: 'example.com,*.example.com' }, 'OIDC_ACME_ALLOWED_DOMAINS'],
  [{ OIDC_ACME_ALLOWED_DOMAINS: '@example.com' }, 'OIDC_ACME_ALLOWED_DOMAINS'],
  [{ OIDC_ACME_SCOPES: 'email' }, 'OIDC_ACME_SCOPES'],
  [{ HOST: '0.0.0.0' }, 'PUBLIC_URL'],
  [{ OIDC_PROVIDERS: '', PASSWORD_SIGN_IN: 'off' }, 'PASSWORD_SIGN_IN'],
  [{ PASSWORD_SIGN_IN: 'no' }, 'PASSWORD_SIGN_IN'],
])('%j stops the start', (wrong, name) => {
  const start = () => readConfig({ ...acme, OIDC_ACME_CLIENT_SECRET: 's3cret', ...wrong });
  expect(start).toThrow(ConfigError);
  expect(start).toThrow(name);
  expect(start).not.toThrow('s3cret');
});

test('passwords can be switched off where a provider lets people in', () => {
  expect(readConfig(acme).passwordSignIn).toBe(true);
  expect(readConfig({ ...acme, PASSWORD_SIGN_IN: 'off' }).passwordSignIn).toBe(false);
  const served = { ...acme, HOST: '0.0.0.0', PUBLIC_URL: 'https://forage.example.com' };
  expect(readConfig(served).oidcProviders).toHaveLength(1);
});
