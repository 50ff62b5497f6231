import type { Logger } from 'pino';
import { DatabaseFailure } from '#server/db/database-failure.ts';

/**
 * Says in the log that work failed which is done again. What the database could not do is no fault of the program: one line
 * without a stack, below the level of those that somebody has to look into.
 */
export function tellTrouble(log: Logger, error: unknown, fields: object, words: string): void {
  if (!(error instanceof DatabaseFailure)) {
    log.error({ ...fields, err: error }, words);
    return;
  }
  const problem = error.cause instanceof Error ? error.cause.message : null;
  log.warn({ ...fields, kind: error.kind, problem }, words);
}
