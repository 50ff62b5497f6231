import { statement } from '#server/db/database.ts';
import type { Counted } from './attempt-rule.ts';

export interface CountedRow extends Counted {
  readonly key: Buffer;
}

export const readCounts = statement<[keys: readonly Buffer[]], CountedRow>(
  'attempts.read',
  `select key, failures, last_at as "lastAt", blocked_until as "blockedUntil", succeeded_at as "succeededAt"
     from sign_in_attempts where key = any($1::bytea[])`,
);

/**
 * Locks the rows of those keys, inserting missing ones, so that each of several simultaneous attempts sees those before it.
 * In the order of the keys, which rules out deadlocks.
 */
export const lockCounts = statement<[keys: readonly Buffer[], now: Date, forgetAt: Date], CountedRow>(
  'attempts.lock',
  `insert into sign_in_attempts as a (key, failures, last_at, forget_at)
   select key, 0, $2, $3 from unnest($1::bytea[]) key order by key
   on conflict (key) do update set failures = a.failures
   returning key, failures, last_at as "lastAt", blocked_until as "blockedUntil", succeeded_at as "succeededAt"`,
);

/** Writes counts of rows that the transaction has locked. */
export const writeCounts = statement<
  [
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

/**
 * Takes back an attempt that was counted and did not fail: one failure less, and the wait that it caused (`set`) becomes the
 * one from `before` it, unless another attempt has caused a later one. The count of the key `known`, from which the account
 * was signed in to, starts again at 0; null when no sign-in succeeded.
 */
export const takeBackCounts = statement<
  [
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

/** Deletes some of the counts that no longer matter. */
export const deleteOldCounts = statement<[now: Date]>(
  'attempts.delete_old',
  `delete from sign_in_attempts where key in
     (select key from sign_in_attempts where forget_at < $1 limit 100 for update skip locked)`,
);
