/** How failed attempts for one key slow down the next ones. */
export interface Budget {
  /** The failure with this number causes the first wait. */
  readonly free: number;
  /** Each further failure doubles the wait. */
  readonly firstSeconds: number;
  readonly maxSeconds: number;
}

/**
 * Attempts for one account from one address are typing mistakes, or guesses from one desk. Attempts for one account from
 * everywhere are a distributed attack: short waits slow it without locking the owner out. Attempts from one address for all
 * accounts are a password spray, or a whole office.
 */
export const BUDGETS = {
  accountAtAddress: { free: 5, firstSeconds: 30, maxSeconds: 900 },
  account: { free: 50, firstSeconds: 5, maxSeconds: 60 },
  address: { free: 100, firstSeconds: 30, maxSeconds: 900 },
} as const satisfies Record<string, Budget>;

/** Failures expire after this time without another one. */
const FORGET_MS = 15 * 60_000;
/** An address stays known for an account this long after a sign-in. */
export const KNOWN_MS = 30 * 24 * 60 * 60_000;

export interface Counted {
  readonly failures: number;
  readonly lastAt: Date;
  readonly blockedUntil: Date | null;
  readonly succeededAt: Date | null;
}

/** How long an attempt must wait, in milliseconds; 0: not at all. */
export function waitOf(counted: Pick<Counted, 'blockedUntil'> | undefined, now: Date): number {
  return Math.max(0, (counted?.blockedUntil?.getTime() ?? 0) - now.getTime());
}

/** Whether the account was signed in to from this address before: there other people's failures do not count. */
export function isKnown(counted: Pick<Counted, 'succeededAt'> | undefined, now: Date): boolean {
  const at = counted?.succeededAt;
  return at != null && now.getTime() - at.getTime() < KNOWN_MS;
}

/** The count with one more attempt, which counts as failed until it has succeeded. */
export function withAttempt(
  { failures, lastAt, blockedUntil }: Counted,
  { free, firstSeconds, maxSeconds }: Budget,
  now: Date,
): { readonly failures: number; readonly blockedUntil: Date | null } {
  const quietSince = Math.max(lastAt.getTime(), blockedUntil?.getTime() ?? 0);
  const counted = (now.getTime() - quietSince >= FORGET_MS ? 0 : failures) + 1;
  const beyond = counted - free;
  if (beyond < 0) return { failures: counted, blockedUntil: null };
  const seconds = Math.min(firstSeconds * 2 ** Math.min(beyond, 20), maxSeconds);
  return { failures: counted, blockedUntil: new Date(now.getTime() + seconds * 1000) };
}
