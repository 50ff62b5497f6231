import { setTimeout as sleep } from 'node:timers/promises';
import { outsideRequests } from '#server/request-scope.ts';
import { type Database, statement } from './database.ts';
import { DatabaseFailure } from './database-failure.ts';

export interface Readiness {
  readonly ok: boolean;
  /** Why not, for an operator; null when it is ready. */
  readonly reason: string | null;
}

const TIMEOUT_MS = 2_000;

interface DatabaseState {
  readonly ran: readonly string[] | null;
  readonly standby: boolean;
  readonly readOnly: boolean;
}

const readState = statement<[], DatabaseState>(
  'db.state',
  `select (select array_agg(name order by number) from schema_migrations) as ran,
          pg_is_in_recovery() as standby,
          current_setting('default_transaction_read_only')::boolean as "readOnly"`,
);

/**
 * Returns a function that reports whether the database can be used: a round trip within two seconds, a server that accepts
 * writes, and all migrations named in `wanted`. Further migrations are allowed: a newer server ran them during a rolling
 * upgrade. Concurrent callers share one statement. Never rejects.
 */
export function createReadiness(db: Database, wanted: readonly string[]): () => Promise<Readiness> {
  let pending: Promise<Readiness> | null = null;
  return () => {
    pending ??= checkDatabase(db, wanted).finally(() => {
      pending = null;
    });
    const late = sleep(TIMEOUT_MS, no(`the database did not answer within ${TIMEOUT_MS / 1000} s`), {
      ref: false,
    });
    return Promise.race([pending, late]);
  };
}

async function checkDatabase(db: Database, wanted: readonly string[]): Promise<Readiness> {
  try {
    const [state] = await outsideRequests(() => db.run(readState, []));
    return verdict(state, wanted);
  } catch (error) {
    return no(error instanceof DatabaseFailure ? error.message : `the database reports: ${String(error)}`);
  }
}

const no = (reason: string): Readiness => ({ ok: false, reason });

function verdict(state: DatabaseState | undefined, wanted: readonly string[]): Readiness {
  if (state === undefined) return no('the database returned no state');
  if (state.standby) return no('the database is a standby, which accepts no writes');
  if (state.readOnly) return no('the database is set to read-only (default_transaction_read_only)');
  const missing = wanted.filter((name) => !state.ran?.includes(name));
  if (missing.length > 0) return no(`the database lacks migrations of this server: ${missing.join(', ')}`);
  return { ok: true, reason: null };
}
