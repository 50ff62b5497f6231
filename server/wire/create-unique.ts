import type { FieldProblem } from '#domain/problem.ts';
import { type Database, isUniqueViolation, type Transaction } from '#server/db/database.ts';
import { Failure } from '#server/failure.ts';

/** Runs `work` in a transaction; a violation of a unique constraint becomes a Failure already_exists with this message. */
export async function createUnique<T>(
  db: Database,
  { message, constraint, fields }: { message: string; constraint?: string; fields?: readonly FieldProblem[] },
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  try {
    return await db.transaction(work);
  } catch (error) {
    if (!isUniqueViolation(error, constraint)) throw error;
    throw new Failure('already_exists', message, { fields: fields ?? [] });
  }
}
