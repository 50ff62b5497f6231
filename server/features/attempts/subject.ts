import { createHash } from 'node:crypto';
import { networkOf } from '#server/http/client-address.ts';

/** What an attempt is counted for; each a SHA-256, so that the table holds no names and no addresses. */
export interface Subject {
  readonly accountAtAddress: Buffer | null;
  readonly account: Buffer | null;
  readonly address: Buffer;
}

const hash = (...parts: readonly string[]): Buffer =>
  createHash('sha256').update(JSON.stringify(parts)).digest();

/**
 * An attempt to sign in with a password. Accounts are told apart by what was typed, whether or not there is one: looking it
 * up first would give a name and an address of one user a common count, which tells that they are one.
 */
export function signInAttempt(identifier: string, address: string | null): Subject {
  return accountAttempt('account', folded(identifier), address);
}

/** An attempt of somebody signed in to show the password again: counted apart, so that strangers' failures do not matter. */
export function ownPasswordAttempt(userId: string, address: string | null): Subject {
  return accountAttempt('user', userId, address);
}

function accountAttempt(kind: string, account: string, address: string | null): Subject {
  const network = networkOf(address);
  return {
    accountAtAddress: hash(`${kind} at address`, account, network),
    account: hash(kind, account),
    address: hash('address', network),
  };
}

/** An attempt with a secret that names no account: a refresh token, or the one for the set-up. */
export function tokenAttempt(address: string | null): Subject {
  return { accountAtAddress: null, account: null, address: hash('tokens of address', networkOf(address)) };
}

/**
 * One spelling for whatever the database might take for the same name: more than it does, as spellings that count
 * apart would each have free attempts of their own.
 */
const folded = (identifier: string): string =>
  identifier.trim().normalize('NFKD').toLowerCase().normalize('NFKD').replace(/\p{M}/gu, '');
