import type { AppContext } from '#server/context.ts';
import { exhausted, Failure } from '#server/failure.ts';
import { BUDGETS, isKnown, KNOWN_MS, waitOf, withAttempt } from './attempt-rule.ts';
import {
  type CountedRow,
  forgetCounts,
  holdCounts,
  readCounts,
  takeBackCounts,
  writeCounts,
} from './store.ts';
import type { Subject } from './subject.ts';

/** Long after failures count for nothing any more. */
const KEPT_MS = 24 * 60 * 60_000;

type Name = keyof typeof BUDGETS;
type Held = { readonly key: Buffer; readonly set: Date | null; readonly before: Date | null };

/**
 * Lets somebody try to prove who they are, unless too many such attempts have failed: over all servers, in the database.
 * An attempt is counted as failed before it is made, and taken back if it succeeds, so that many at once are no way round.
 * @param prove gives null for a wrong proof, which counts; what it throws as a `Failure` was no attempt and does not.
 * @throws Failure `resource_exhausted` with the time to wait, before anything is proven, in the same words and after the
 *   same work whether or not there is such an account.
 */
export async function attempt<T>(
  app: AppContext,
  subject: Subject,
  prove: () => Promise<T | null>,
): Promise<T | null> {
  const now = app.clock.now();
  refuseWaiting(
    subject,
    await readCounts(
      app.db,
      keysOf(subject).map(([, key]) => key),
    ),
    now,
  );
  const held = await count(app, subject, now);
  const takeBack = (known: Buffer | null) =>
    takeBackCounts(app.db, held, now, known, new Date(now.getTime() + KNOWN_MS));
  let proven: T | null;
  try {
    proven = await prove();
  } catch (error) {
    if (error instanceof Failure) await takeBack(null);
    throw error;
  }
  if (proven === null) await forgetCounts(app.db, now);
  else await takeBack(subject.accountAtAddress);
  return proven;
}

async function count(app: AppContext, subject: Subject, now: Date): Promise<readonly Held[]> {
  const keys = keysOf(subject);
  const forgetAt = new Date(now.getTime() + KEPT_MS);
  return await app.db.transaction(async (tx) => {
    const rows = await holdCounts(
      tx,
      keys.map(([, key]) => key),
      now,
      forgetAt,
    );
    refuseWaiting(subject, rows, now);
    const counts = keys.flatMap(([name, key]) => {
      const row = rowOf(rows, key);
      if (row === undefined) return [];
      return [{ key, before: row.blockedUntil, ...withAttempt(row, BUDGETS[name], now) }];
    });
    writeCounts(tx, counts, now, forgetAt);
    return counts.map(({ key, before, blockedUntil }) => ({ key, before, set: blockedUntil }));
  });
}

function refuseWaiting(subject: Subject, rows: readonly CountedRow[], now: Date): void {
  const { accountAtAddress } = subject;
  const own = accountAtAddress === null ? undefined : rowOf(rows, accountAtAddress);
  const known = isKnown(own, now);
  const counting = known ? [own] : keysOf(subject).map(([, key]) => rowOf(rows, key));
  const wait = Math.max(...counting.map((row) => waitOf(row, now)));
  if (wait <= 0) return;
  const seconds = Math.ceil(wait / 1000);
  const time = seconds < 120 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`;
  throw exhausted(`too many attempts have failed: try again in ${time}`, seconds);
}

function keysOf({ accountAtAddress, account, address }: Subject): (readonly [Name, Buffer])[] {
  const all = [
    ['accountAtAddress', accountAtAddress],
    ['account', account],
    ['address', address],
  ] as const;
  return all.flatMap(([name, key]) => (key === null ? [] : [[name, key] as const]));
}

const rowOf = (rows: readonly CountedRow[], key: Buffer): CountedRow | undefined =>
  rows.find((row) => row.key.equals(key));
