/** What failed attempts are counted for, and how many are free. */
export interface Budget {
  /** So many attempts may fail one after the other before anybody has to wait. */
  readonly free: number;
  /** The first wait, in seconds; each further failure doubles it. */
  readonly firstSeconds: number;
  /** The longest wait, in seconds. */
  readonly mostSeconds: number;
}

/**
 * One account from one address is what a person mistypes, or somebody guesses at one desk. One account from everywhere is
 * what many machines guess: the waits are short, so that they slow the guessing without keeping the owner out. One address
 * for all accounts is what tries a few passwords on everybody, and what a whole office looks like.
 */
export const BUDGETS = {
  accountAtAddress: { free: 5, firstSeconds: 30, mostSeconds: 900 },
  account: { free: 50, firstSeconds: 5, mostSeconds: 60 },
  address: { free: 100, firstSeconds: 30, mostSeconds: 900 },
} as const satisfies Record<string, Budget>;

/** Failures are forgotten after so long without another one. */
const FORGET_MS = 15 * 60_000;
/** For so long an address from which the account was signed in to is its owner's, as far as counting goes. */
export const KNOWN_MS = 30 * 24 * 60 * 60_000;

/** What has been counted so far. */
export interface Counted {
  readonly failures: number;
  readonly lastAt: Date;
  readonly blockedUntil: Date | null;
  readonly succeededAt: Date | null;
}

/** How long an attempt has to wait, in milliseconds; 0: it may be made. */
export function waitOf(counted: Pick<Counted, 'blockedUntil'> | undefined, now: Date): number {
  return Math.max(0, (counted?.blockedUntil?.getTime() ?? 0) - now.getTime());
}

/** Whether somebody who signed in to the account from there before is asking again: strangers' failures do not keep them out. */
export function isKnown(counted: Pick<Counted, 'succeededAt'> | undefined, now: Date): boolean {
  const at = counted?.succeededAt;
  return at != null && now.getTime() - at.getTime() < KNOWN_MS;
}

/** The count with one more attempt, taken for failed until it has succeeded. */
export function withAttempt(
  { failures, lastAt, blockedUntil }: Counted,
  { free, firstSeconds, mostSeconds }: Budget,
  now: Date,
): { readonly failures: number; readonly blockedUntil: Date | null } {
  const over = Math.max(lastAt.getTime(), blockedUntil?.getTime() ?? 0);
  const counted = (now.getTime() - over >= FORGET_MS ? 0 : failures) + 1;
  const beyond = counted - free;
  if (beyond < 0) return { failures: counted, blockedUntil: null };
  const seconds = Math.min(firstSeconds * 2 ** Math.min(beyond, 20), mostSeconds);
  return { failures: counted, blockedUntil: new Date(now.getTime() + seconds * 1000) };
}
