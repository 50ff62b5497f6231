import type { OidcProvider } from '#server/oidc-config.ts';
import { SignInProblem } from './problem.ts';
import type { Claims, Source } from './provider.ts';

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
export function requireAllowed(
  { id, allowedDomains, trustEmail }: OidcProvider,
  { issuer, subject, idToken, userInfo }: Claims,
): VerifiedIdentity {
  const sources = userInfo === null ? [idToken] : [idToken, userInfo];
  const email = verifiedEmail(sources, trustEmail);
  const domain = domainOf(email);
  if (domain === null) throw unverified('email is not an address that is accepted', sources);
  if (allowedDomains.length > 0 && !allowedDomains.includes(domain))
    throw new SignInProblem('domain_not_allowed');
  const preferredUsername = firstText(sources, 'preferred_username');
  return { issuer, subject, provider: id, email, domain, preferredUsername };
}

/** The claims that say whether an address is verified; `xms_edov` is that of Microsoft Entra ID. */
const MARKS = ['email_verified', 'xms_edov'];
/** Amazon Cognito and others send text, Microsoft Entra ID also a number. */
const YES: readonly unknown[] = [true, 'true', 1, '1'];

/**
 * The first address that a provider gives, if it says that it is verified, or says nothing and the operator vouches for it.
 * @throws SignInProblem `email_unverified`; its cause says for the log which claim was missing and which came
 */
function verifiedEmail(sources: readonly Source[], trustEmail: boolean): string {
  const email = firstText(sources, 'email');
  if (email === null) throw unverified('email is missing', sources);
  // Only beside the same address: no address is verified by a claim about another one.
  const mark = sources
    .filter((source) => source['email'] === email)
    .flatMap((source) => MARKS.map((name) => ({ name, value: source[name] })))
    .find(({ value }) => value !== undefined);
  if (mark === undefined) {
    if (trustEmail) return email;
    throw unverified('email_verified is missing', sources);
  }
  if (!YES.includes(mark.value))
    throw unverified(`${mark.name} is ${JSON.stringify(mark.value)}`.slice(0, 60), sources);
  return email;
}

function firstText(sources: readonly Source[], name: string): string | null {
  const text = sources
    .map((source) => source[name])
    .find((value) => typeof value === 'string' && value !== '');
  return typeof text === 'string' ? text : null;
}

/** With the names of the claims that came, without their values. */
function unverified(problem: string, sources: readonly Source[]): SignInProblem {
  const [idToken, userInfo] = sources.map((source) => Object.keys(source).sort().join(' '));
  const came = `ID token: ${idToken}; ${userInfo === undefined ? 'no user info' : `user info: ${userInfo}`}`;
  return new SignInProblem('email_unverified', new Error(`${problem} (${came})`));
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
