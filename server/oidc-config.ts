import * as v from 'valibot';
import {
  ConfigError,
  type Environment,
  listOf,
  namesOf,
  oneOf,
  optional,
  orFile,
  parseSettings,
  required,
  textOr,
} from './settings.ts';

/** An OpenID Connect provider, as the operator configures it. */
export type OidcProvider = Readonly<ReturnType<typeof readProvider>>;

const ID = /^[a-z][a-z0-9-]{0,31}$/;
const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const DOMAIN = new RegExp(`^${LABEL}(?:\\.${LABEL})+$`);
const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** Whether a URL leads to this machine: the only place that may be reached without TLS. */
export const isLoopbackUrl = (url: URL): boolean => LOOPBACK.has(url.hostname);

function isIssuer(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  const isSecure = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackUrl(url));
  return isSecure && url.search === '' && url.hash === '' && url.username === '';
}

function readDomains(text: string): string[] {
  const domains = listOf(text.toLowerCase());
  const wrong = domains.find((domain) => !DOMAIN.test(domain));
  if (wrong !== undefined) throw new Error(`"${wrong}" is not a domain such as example.com`);
  return domains;
}

/** The variables of one provider, without `OIDC_<NAME>_`. */
export const providerSchema = v.object({
  ISSUER: orFile(
    v.pipe(
      required('The issuer, exactly as the provider states it.'),
      v.check(
        isIssuer,
        'must be an https:// URL without a query (http:// only for a provider on this machine)',
      ),
    ),
  ),
  CLIENT_ID: orFile(required('The client ID of Forage at the provider.')),
  CLIENT_SECRET: orFile(optional('The client secret; unset for a public client.')),
  NAME: optional('The name on the sign-in button; by default the name in `OIDC_PROVIDERS`.'),
  ALLOWED_DOMAINS: optional(
    'Domains of the email addresses that may sign in, comma-separated. By default every verified address may.',
    readDomains,
  ),
  TRUST_EMAIL: oneOf(
    ['0', '1'],
    '0',
    '`1` accepts addresses of the allowed domains of which the provider does not say whether they are verified: you vouch for them. An address that it calls unverified is refused in any case.',
  ),
  SCOPES: v.pipe(
    textOr('openid email profile', 'The scopes to request, separated by spaces.'),
    v.check((text) => text.split(/\s+/).includes('openid'), 'must include openid, separated by spaces'),
  ),
});

const prefixOf = (id: string): string => `OIDC_${id.toUpperCase().replaceAll('-', '_')}_`;

/** The names of all variables of a provider. */
export const providerVariables = (id: string): string[] => namesOf(providerSchema.entries, prefixOf(id));

const OF_A_PROVIDER = new RegExp(`^OIDC_(.+)_(?:${namesOf(providerSchema.entries).join('|')})$`);

/** Whether a variable belongs to a provider, whether OIDC_PROVIDERS names that provider or not. */
export const isOfProvider = (name: string): boolean => OF_A_PROVIDER.test(name);

/**
 * Reads the providers that OIDC_PROVIDERS names, each from its own variables.
 * @throws ConfigError that names each wrong variable
 */
export function readOidcProviders(names: string, env: Environment): OidcProvider[] {
  const ids = listOf(names);
  const wrong = ids.find((id) => !ID.test(id));
  if (wrong !== undefined) {
    throw new ConfigError(
      `OIDC_PROVIDERS: "${wrong}" must be 1 to 32 lower-case letters, digits or dashes, and start with a letter`,
    );
  }
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined) throw new ConfigError(`OIDC_PROVIDERS: "${twice}" appears twice`);
  return ids.map((id) => readProvider(id, env));
}

function readProvider(id: string, env: Environment) {
  const provider = parseSettings(providerSchema, env, prefixOf(id));
  const trustEmail = provider.TRUST_EMAIL === '1';
  if (trustEmail && provider.ALLOWED_DOMAINS === null)
    throw new ConfigError(`${prefixOf(id)}TRUST_EMAIL: requires ${prefixOf(id)}ALLOWED_DOMAINS`);
  return {
    /** Its name in URLs and in the names of its variables. */
    id,
    /** Its name on the button. */
    name: provider.NAME ?? id,
    /** Exactly as the provider states it. */
    issuer: provider.ISSUER,
    clientId: provider.CLIENT_ID,
    /** null for a public client, which only PKCE protects. */
    clientSecret: provider.CLIENT_SECRET,
    /** In lower case; none allows every verified address. */
    allowedDomains: provider.ALLOWED_DOMAINS ?? [],
    /** Whether addresses of these domains count that the provider says nothing about. */
    trustEmail,
    scopes: provider.SCOPES,
  };
}
