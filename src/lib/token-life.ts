import type { Timestamp } from '@bufbuild/protobuf/wkt';

const day = 86_400;

/** For how long an access token can be made. */
export interface Lifetime {
  /** 0: for ever. */
  readonly seconds: number;
  readonly words: string;
}

const lifetimes: readonly Lifetime[] = [
  { seconds: 7 * day, words: '7 days' },
  { seconds: 30 * day, words: '30 days' },
  { seconds: 90 * day, words: '90 days' },
  { seconds: 365 * day, words: '1 year' },
  { seconds: 0, words: 'Does not end' },
];

/** The lifetimes to choose from on a server that allows so many days at most; 0 for one without a limit. */
export function lifetimesUpTo(maxDays: number): readonly Lifetime[] {
  if (maxDays === 0) return lifetimes;
  const within = lifetimes.filter(({ seconds }) => seconds > 0 && seconds <= maxDays * day);
  if (within.at(-1)?.seconds === maxDays * day) return within;
  return [...within, { seconds: maxDays * day, words: maxDays === 1 ? '1 day' : `${maxDays} days` }];
}

/** What is offered first, in seconds: time enough to forget nothing for long, 90 days, or the most that is allowed. */
export const usualLifetime = (maxDays: number): number => Math.min(90, maxDays || 90) * day;

/** Whether a token has ended by itself, at `now` in milliseconds since 1970. */
export function hasEnded({ expiresAt }: { readonly expiresAt?: Timestamp }, now: number): boolean {
  return expiresAt !== undefined && Number(expiresAt.seconds) * 1000 <= now;
}
