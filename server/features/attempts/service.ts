import type { AppContext } from '#server/context.ts';
import { exhausted, Failure } from '#server/failure.ts';
import { BUDGETS, type Budget, isKnown, KNOWN_MS, waitOf, withAttempt } from './attempt-rule.ts';
import {
  type CountedRow,
  deleteOldCounts,
  lockCounts,
  readCounts,
  takeBackCounts,
  writeCounts,
} from './store.ts';
import { registrationAttempt, type Subject } from './subject.ts';

/** Counts are deleted after a day, long after they have an effect. */
const KEPT_MS = 24 * 60 * 60_000;

/**
 * Runs an attempt to authenticate, unless too many have failed on all servers together. It is counted as failed before it runs, and
 * the count is undone if it succeeds, so that concurrent attempts cannot exceed the limit.
 * @param prove resolves to null for a wrong proof, which counts; a `Failure` that it throws does not count. It is told whether the
 * account is known at the address.
 * @param requireRoom gets what `prove` gets, and throws when `prove` could not run now: then nothing is counted
 * @throws Failure `resource_exhausted` with the time to wait, before `prove` runs; the same whether or not the account exists.
 */
export async function attempt<T>(
  app: AppContext,
  subject: Subject,
  prove: (known: boolean) => Promise<T | null>,
  requireRoom: (known: boolean) => void = () => {},
): Promise<T | null> {
  const now = app.clock.now();
  const keys = keysOf(subject).map(({ key }) => key);
  const rows = await app.db.run(readCounts, [keys]);
  requireNoWait(subject, rows, now);
  const known = isKnown(rowOf(rows, subject.accountAtAddress), now);
  requireRoom(known);
  const counts = await count(app, subject, now);
  const takeBack = async (succeeded: Buffer | null) => {
    const set = counts.map(({ blockedUntil }) => blockedUntil);
    const before = counts.map((one) => one.before);
    const knownUntil = new Date(now.getTime() + KNOWN_MS);
    await app.db.run(takeBackCounts, [counts.map(({ key }) => key), set, before, now, succeeded, knownUntil]);
  };
  let proven: T | null;
  try {
    proven = await prove(known);
  } catch (error) {
    if (error instanceof Failure) await takeBack(null);
    throw error;
  }
  if (proven === null) await app.db.run(deleteOldCounts, [now]);
  else await takeBack(subject.accountAtAddress ?? null);
  return proven;
}

/**
 * Counts a registration from an address, whether or not it succeeds, on all servers together. There is no limit without a rate
 * limit.
 * @throws Failure `resource_exhausted` with the time to wait, after a sixtieth of `RATE_LIMIT_PER_MINUTE` of them.
 */
export async function countRegistration(app: AppContext, address: string | null): Promise<void> {
  const free = Math.ceil(app.config.rateLimitPerMinute / 60);
  if (free === 0) return;
  const now = app.clock.now();
  await count(app, registrationAttempt(address), now, { ...BUDGETS.address, free });
  await app.db.run(deleteOldCounts, [now]);
}

/** Counts one attempt for each key. Returns each key's wait before and after it. */
async function count(app: AppContext, subject: Subject, now: Date, ofAddress: Budget = BUDGETS.address) {
  const keys = keysOf(subject, ofAddress);
  const forgetAt = new Date(now.getTime() + KEPT_MS);
  return await app.db.transaction(async (tx) => {
    const rows = await tx.run(lockCounts, [keys.map(({ key }) => key), now, forgetAt]);
    requireNoWait(subject, rows, now);
    const counts = keys.flatMap(({ key, budget }) => {
      const row = rowOf(rows, key);
      return row === undefined ? [] : [{ key, before: row.blockedUntil, ...withAttempt(row, budget, now) }];
    });
    await tx.run(writeCounts, [
      counts.map(({ key }) => key),
      counts.map(({ failures }) => failures),
      counts.map(({ blockedUntil }) => blockedUntil),
      now,
      forgetAt,
    ]);
    return counts;
  });
}

function requireNoWait(subject: Subject, rows: readonly CountedRow[], now: Date): void {
  const own = rowOf(rows, subject.accountAtAddress);
  const counting = isKnown(own, now) ? [own] : keysOf(subject).map(({ key }) => rowOf(rows, key));
  const wait = Math.max(...counting.map((row) => waitOf(row, now)));
  if (wait <= 0) return;
  const seconds = Math.ceil(wait / 1000);
  const time = seconds < 120 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`;
  throw exhausted(`Too many ${subject.what}. Try again in ${time}.`, seconds);
}

const keysOf = ({ accountAtAddress, account, address }: Subject, ofAddress: Budget = BUDGETS.address) => [
  ...(accountAtAddress === undefined ? [] : [{ key: accountAtAddress, budget: BUDGETS.accountAtAddress }]),
  ...(account === undefined ? [] : [{ key: account, budget: BUDGETS.account }]),
  { key: address, budget: ofAddress },
];

const rowOf = (rows: readonly CountedRow[], key: Buffer | undefined): CountedRow | undefined =>
  rows.find((row) => key !== undefined && row.key.equals(key));
