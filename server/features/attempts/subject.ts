import { createHash } from 'node:crypto';
import { networkOf } from '#server/http/client-address.ts';

/** The keys that an attempt counts for: SHA-256, so that the table holds neither names nor addresses. */
export interface Subject {
  /** What is counted, in the message of a refusal. */
  readonly what: 'failed attempts' | 'registrations from your network';
  readonly accountAtAddress?: Buffer;
  readonly account?: Buffer;
  readonly address: Buffer;
}

const hash = (...parts: readonly string[]): Buffer =>
  createHash('sha256').update(JSON.stringify(parts)).digest();

/**
 * A sign-in with a password. The account is what was typed, whether or not it exists: if a username and an email address of
 * one user shared a count, that count would reveal that they belong together.
 */
export function signInAttempt(identifier: string, address: string | null): Subject {
  return accountAttempt('account', folded(identifier), address);
}

/** A signed-in user who enters their password again. Other people's failed sign-ins do not count here. */
export function ownPasswordAttempt(userId: string, address: string | null): Subject {
  return accountAttempt('user', userId, address);
}

function accountAttempt(kind: string, account: string, address: string | null): Subject {
  const network = networkOf(address);
  return {
    what: 'failed attempts',
    accountAtAddress: hash(`${kind} at address`, account, network),
    account: hash(kind, account),
    address: hash('address', network),
  };
}

/** An attempt with a secret that names no account: a refresh token or the set-up token. */
export function tokenAttempt(address: string | null): Subject {
  return { what: 'failed attempts', address: hash('tokens of address', networkOf(address)) };
}

/** A registration. */
export function registrationAttempt(address: string | null): Subject {
  const network = networkOf(address);
  return { what: 'registrations from your network', address: hash('registrations of address', network) };
}

/** One spelling for at least all names that the database treats as equal: each spelling would have free attempts. */
const folded = (identifier: string): string =>
  identifier.trim().normalize('NFKD').toLowerCase().normalize('NFKD').replace(/\p{M}/gu, '');
