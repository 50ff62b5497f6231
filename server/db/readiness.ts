import { randomUUID } from 'node:crypto';
import { withinRequest } from '#server/request-scope.ts';
import { type Database, statement } from './database.ts';
import { DatabaseFailure } from './database-failure.ts';

export interface Readiness {
  readonly ok: boolean;
  /** Why not, in words for an operator; null when it is. */
  readonly reason: string | null;
}

/** Longer than this and a caller would have waited too long as well. */
const PATIENCE_MS = 2_000;

interface Standing {
  readonly ran: readonly string[] | null;
  readonly standby: boolean;
  readonly readOnly: boolean;
}

const look = statement<[], Standing>(
  'databaseStanding',
  `select (select array_agg(name order by number) from schema_migrations) as ran,
          pg_is_in_recovery() as standby,
          current_setting('default_transaction_read_only')::boolean as "readOnly"`,
);

/**
 * A function that says whether the database can be worked with: a round trip within two seconds, a server that takes
 * writes, and the migrations that this server brings (`wanted`, by name). More migrations than these are a newer
 * server's, which is starting beside this one: the older goes on meanwhile. Several askers share one look.
 */
export function createReadiness(db: Database, wanted: readonly string[]): () => Promise<Readiness> {
  let looking: Promise<Readiness> | null = null;
  return () => {
    looking ??= databaseReady(db, wanted).finally(() => {
      looking = null;
    });
    return looking;
  };
}

/** One look (see `createReadiness`). Never rejects. */
async function databaseReady(db: Database, wanted: readonly string[]): Promise<Readiness> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  try {
    const [standing] = await withinRequest({ requestId: randomUUID(), signal, address: null }, () =>
      db.run(look, []),
    );
    return verdict(standing, wanted);
  } catch (error) {
    if (signal.aborted) return no(`the database has not answered within ${PATIENCE_MS / 1000} s`);
    return no(error instanceof DatabaseFailure ? error.message : `the database refuses: ${String(error)}`);
  }
}

const no = (reason: string): Readiness => ({ ok: false, reason });

function verdict(standing: Standing | undefined, wanted: readonly string[]): Readiness {
  if (standing === undefined) return no('the database has not answered');
  if (standing.standby) return no('the database is a standby, which takes no writes');
  if (standing.readOnly) return no('the database is set to read-only (default_transaction_read_only)');
  const missing = wanted.filter((name) => !standing.ran?.includes(name));
  if (missing.length > 0) return no(`the database lacks migrations of this server: ${missing.join(', ')}`);
  return { ok: true, reason: null };
}
