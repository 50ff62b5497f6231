import { type Executor, statement, type Transaction } from '#server/db/database.ts';
import type { Counted } from './attempt-rule.ts';

export interface CountedRow extends Counted {
  readonly key: Buffer;
}

const COLUMNS = `key, failures, last_at as "lastAt", blocked_until as "blockedUntil", succeeded_at as "succeededAt"`;

const read = statement<readonly [keys: readonly Buffer[]], CountedRow>(
  'attempts.read',
  `select ${COLUMNS} from sign_in_attempts where key = any($1::bytea[])`,
);

/** What has been counted for those keys; nothing for a key without a row. */
export async function readCounts(db: Executor, keys: readonly Buffer[]): Promise<CountedRow[]> {
  return await db.run(read, [keys]);
}

// In the order of the keys, so that no two attempts wait for each other.
const hold = statement<readonly [keys: readonly Buffer[], now: Date, forgetAt: Date], CountedRow>(
  'attempts.hold',
  `insert into sign_in_attempts as a (key, failures, last_at, forget_at)
   select key, 0, $2, $3 from unnest($1::bytea[]) key order by key
   on conflict (key) do update set failures = a.failures
   returning ${COLUMNS}`,
);

/** The rows of those keys, made where there are none, and locked: of attempts at once each sees the ones before it. */
export async function holdCounts(
  tx: Transaction,
  keys: readonly Buffer[],
  now: Date,
  forgetAt: Date,
): Promise<CountedRow[]> {
  return await tx.run(hold, [keys, now, forgetAt]);
}

const write = statement<
  readonly [
    keys: readonly Buffer[],
    failures: readonly number[],
    blocked: readonly (Date | null)[],
    now: Date,
    forgetAt: Date,
  ]
>(
  'attempts.write',
  `update sign_in_attempts a
      set failures = n.failures, blocked_until = n.blocked_until, last_at = $4, forget_at = greatest(a.forget_at, $5)
     from unnest($1::bytea[], $2::integer[], $3::timestamptz[]) n (key, failures, blocked_until)
    where a.key = n.key`,
);

/** Sets the counts of rows that this transaction holds. */
export function writeCounts(
  tx: Transaction,
  counts: readonly { key: Buffer; failures: number; blockedUntil: Date | null }[],
  now: Date,
  forgetAt: Date,
): void {
  tx.send(write, [
    counts.map(({ key }) => key),
    counts.map(({ failures }) => failures),
    counts.map(({ blockedUntil }) => blockedUntil),
    now,
    forgetAt,
  ]);
}

const takeBack = statement<
  readonly [
    keys: readonly Buffer[],
    set: readonly (Date | null)[],
    before: readonly (Date | null)[],
    now: Date,
    known: Buffer | null,
    knownUntil: Date,
  ]
>(
  'attempts.take_back',
  `insert into sign_in_attempts as a (key, failures, last_at, blocked_until, succeeded_at, forget_at)
   select n.key, 0, $4, n.before, case when n.key = $5 then $4::timestamptz end, $6
     from unnest($1::bytea[], $2::timestamptz[], $3::timestamptz[]) n (key, set_to, before) order by n.key
   on conflict (key) do update
      set failures = case when excluded.succeeded_at is null then greatest(a.failures - 1, 0) else 0 end,
          blocked_until = case
            when excluded.succeeded_at is not null then null
            when a.blocked_until is not distinct from ($2::timestamptz[])[array_position($1::bytea[], a.key)]
              then excluded.blocked_until
            else a.blocked_until end,
          succeeded_at = coalesce(excluded.succeeded_at, a.succeeded_at),
          forget_at = case when excluded.succeeded_at is null then a.forget_at else excluded.forget_at end`,
);

/**
 * Takes an attempt back that was counted and did not fail: one failure less, and the wait that it caused (`set`) is the
 * one from before it, unless another attempt has caused a later one. `known` is the key that starts anew, because the
 * account was signed in to from there; null when nobody signed in.
 */
export async function takeBackCounts(
  db: Executor,
  counts: readonly { key: Buffer; set: Date | null; before: Date | null }[],
  now: Date,
  known: Buffer | null,
  knownUntil: Date,
): Promise<void> {
  const keys = counts.map(({ key }) => key);
  const set = counts.map((count) => count.set);
  const before = counts.map((count) => count.before);
  await db.run(takeBack, [keys, set, before, now, known, knownUntil]);
}

const forget = statement<readonly [now: Date]>(
  'attempts.forget',
  `delete from sign_in_attempts where key in
     (select key from sign_in_attempts where forget_at < $1 limit 100 for update skip locked)`,
);

/** Deletes some of the rows that say nothing any more. */
export async function forgetCounts(db: Executor, now: Date): Promise<void> {
  await db.run(forget, [now]);
}
