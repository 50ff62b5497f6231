import { ConfigError } from './config-error.ts';

/** A provider of OpenID Connect, as the operator describes it. */
export interface OidcProvider {
  /** Its name in addresses and in the names of its variables. */
  readonly id: string;
  /** Its name for people. */
  readonly name: string;
  /** Its issuer identifier, exactly as it tells it itself. */
  readonly issuer: string;
  readonly clientId: string;
  /** Null for a public client, which PKCE alone protects. */
  readonly clientSecret: string | null;
  /** Domains of the addresses that are let in, in lower case; none means every verified address. */
  readonly allowedDomains: readonly string[];
  readonly scopes: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

const ID = /^[a-z][a-z0-9-]{0,31}$/;
const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const DOMAIN = new RegExp(`^${LABEL}(?:\\.${LABEL})+$`);
const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);

const listOf = (text: string | undefined): string[] =>
  (text ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');

/**
 * Reads `OIDC_PROVIDERS`, names separated by commas, and of each the variables `OIDC_<NAME>_…` (the name in upper case, `-`
 * as `_`): `ISSUER`, `CLIENT_ID`, `CLIENT_SECRET`, `NAME`, `ALLOWED_DOMAINS`, `SCOPES`.
 * @throws ConfigError with one line that names the variable. No secret stands in it.
 */
export function readOidcProviders(env: Environment): OidcProvider[] {
  const ids = listOf(env['OIDC_PROVIDERS']);
  for (const [index, id] of ids.entries()) {
    if (!ID.test(id))
      throw new ConfigError(
        `OIDC_PROVIDERS: "${id}" must be 1 to 32 small letters, digits or dashes, beginning with a letter`,
      );
    if (ids.indexOf(id) !== index) throw new ConfigError(`OIDC_PROVIDERS names "${id}" twice`);
  }
  return ids.map((id) => readProvider(env, id));
}

/** Whether that is the URL of a program on this machine: the only one that may be reached without TLS. */
export const isLoopbackUrl = (url: URL): boolean => LOOPBACK.has(url.hostname);

function readProvider(env: Environment, id: string): OidcProvider {
  const variable = (name: string) => `OIDC_${id.toUpperCase().replaceAll('-', '_')}_${name}`;
  const required = (name: string) => {
    const value = env[variable(name)]?.trim();
    if (!value) throw new ConfigError(`${variable(name)} is missing: OIDC_PROVIDERS names "${id}"`);
    return value;
  };
  const issuer = required('ISSUER');
  const url = URL.canParse(issuer) ? new URL(issuer) : null;
  const secure = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopbackUrl(url));
  if (url === null || !secure || url.search !== '' || url.hash !== '' || url.username !== '')
    throw new ConfigError(
      `${variable('ISSUER')} must be an https:// URL without a query (http:// only for a provider on this machine)`,
    );
  const allowedDomains = listOf(env[variable('ALLOWED_DOMAINS')]).map((domain) => domain.toLowerCase());
  for (const domain of allowedDomains) {
    if (!DOMAIN.test(domain))
      throw new ConfigError(`${variable('ALLOWED_DOMAINS')}: "${domain}" is no domain such as example.com`);
  }
  const scopes = env[variable('SCOPES')]?.trim() || 'openid email profile';
  if (!scopes.split(/\s+/).includes('openid'))
    throw new ConfigError(`${variable('SCOPES')} must name openid among its scopes, separated by spaces`);
  return {
    id,
    name: env[variable('NAME')]?.trim() || id,
    issuer,
    clientId: required('CLIENT_ID'),
    clientSecret: env[variable('CLIENT_SECRET')]?.trim() || null,
    allowedDomains,
    scopes,
  };
}
