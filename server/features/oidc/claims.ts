import type { OidcProvider } from '#server/oidc-config.ts';
import { SignInProblem } from './problem.ts';
import type { Claims } from './provider.ts';

/** A provider's identity that may sign in: its address is verified and of an allowed domain. */
export interface VerifiedIdentity {
  readonly issuer: string;
  readonly subject: string;
  readonly provider: string;
  readonly email: string;
  /** The address's, in lower case. */
  readonly domain: string;
  readonly preferredUsername: string | null;
}

/**
 * Checks whether an identity may sign in, at each sign-in, so that a domain that is no longer allowed is refused at once.
 * @throws SignInProblem `email_unverified`, `domain_not_allowed`.
 */
export function requireAllowed({ id, allowedDomains }: OidcProvider, claims: Claims): VerifiedIdentity {
  const { issuer, subject, email, emailVerified, preferredUsername } = claims;
  const domain = email === null ? null : domainOf(email);
  if (email === null || domain === null || !emailVerified) throw new SignInProblem('email_unverified');
  if (allowedDomains.length > 0 && !allowedDomains.includes(domain))
    throw new SignInProblem('domain_not_allowed');
  return { issuer, subject, provider: id, email, domain, preferredUsername };
}

/** ASCII only: some letters of other alphabets become ASCII in lower case, and one domain could pose as another. */
const ADDRESS = /^[\x21-\x3f\x41-\x7e]+@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)$/;
const MAX_ADDRESS = 254;

/** The domain of an email address, in lower case; null for an address that is not accepted. */
export function domainOf(email: string): string | null {
  return email.length > MAX_ADDRESS ? null : (ADDRESS.exec(email)?.[1]?.toLowerCase() ?? null);
}

/** Usernames have at most 64 characters; the rest is for a number that follows a name that is taken. */
const MAX_BASE = 58;
const NUMBERED = 20;

/**
 * Usernames for a new user, best first: the preferred one or the address's local part, in permitted characters; then the same
 * with a number; last one with `random`, which is free.
 */
export function usernames(preferred: string | null, email: string, random: string): string[] {
  const base = permitted(preferred?.split('@')[0] ?? '') || permitted(email.split('@')[0] ?? '') || 'user';
  const numbered = Array.from({ length: NUMBERED }, (_, index) => `${base}-${index + 2}`);
  return [base, ...numbered, permitted(`${base.slice(0, 40)}-${random}`)];
}

function permitted(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, MAX_BASE)
    .replace(/[._-]+$/, '');
}
