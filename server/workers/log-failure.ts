import type { Logger } from 'pino';
import { DatabaseFailure } from '#server/db/database-failure.ts';

/**
 * Logs a failure of work that is retried: a warning without a stack when the database is the cause, which is not an error of
 * this program.
 */
export function logFailure(log: Logger, error: unknown, fields: object, message: string): void {
  if (!(error instanceof DatabaseFailure)) {
    log.error({ ...fields, err: error }, message);
    return;
  }
  const problem = error.cause instanceof Error ? error.cause.message : null;
  log.warn({ ...fields, kind: error.kind, problem }, message);
}
