import type { OidcProvider } from '#server/oidc-config.ts';
import { domainOf } from './email.ts';
import { SignInProblem } from './problem.ts';
import type { Claims } from './provider.ts';

/** Somebody who may come in: their address is verified, and of a domain that the provider is taken for. */
export interface Vouched {
  readonly issuer: string;
  readonly subject: string;
  readonly provider: string;
  readonly email: string;
  /** Of the address, in lower case. */
  readonly domain: string;
  readonly preferredUsername: string | null;
}

/**
 * Whether whom a provider vouches for may come in: asked at every sign-in, so that domains that are allowed no more hold at
 * once.
 * @throws SignInProblem `email_unverified`, `domain_not_allowed`.
 */
export function requireWelcome(provider: OidcProvider, claims: Claims): Vouched {
  const { issuer, subject, email, emailVerified, preferredUsername } = claims;
  const domain = email === null ? null : domainOf(email);
  if (email === null || domain === null || !emailVerified) throw new SignInProblem('email_unverified');
  const { id, allowedDomains } = provider;
  if (allowedDomains.length > 0 && !allowedDomains.includes(domain))
    throw new SignInProblem('domain_not_allowed');
  return { issuer, subject, provider: id, email, domain, preferredUsername };
}
