import type { Timestamp } from '@bufbuild/protobuf/wkt';

const day = 86_400;

/** A lifetime of an access token. */
export interface Lifetime {
  /** 0 for no expiry. */
  readonly seconds: number;
  readonly label: string;
}

const lifetimes: readonly Lifetime[] = [
  { seconds: 7 * day, label: '7 days' },
  { seconds: 30 * day, label: '30 days' },
  { seconds: 90 * day, label: '90 days' },
  { seconds: 365 * day, label: '1 year' },
  { seconds: 0, label: 'Never expires' },
];

/** The lifetimes to choose from on a server that allows at most `maxDays`; 0 for no limit. */
export function lifetimesUpTo(maxDays: number): readonly Lifetime[] {
  if (maxDays === 0) return lifetimes;
  const within = lifetimes.filter(({ seconds }) => seconds > 0 && seconds <= maxDays * day);
  if (within.at(-1)?.seconds === maxDays * day) return within;
  return [...within, { seconds: maxDays * day, label: maxDays === 1 ? '1 day' : `${maxDays} days` }];
}

/** The default lifetime in seconds: 90 days, or the server's limit if that is shorter. */
export const defaultLifetime = (maxDays: number): number => Math.min(90, maxDays || 90) * day;

/** Whether a token has expired at `now`, in milliseconds since 1970. */
export function hasExpired({ expiresAt }: { readonly expiresAt?: Timestamp }, now: number): boolean {
  return expiresAt !== undefined && Number(expiresAt.seconds) * 1000 <= now;
}
