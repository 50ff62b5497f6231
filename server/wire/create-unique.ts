import type { FieldProblem } from '#domain/problem.ts';
import { type Database, isUniqueViolation, type Transaction, takenAs } from '#server/db/database.ts';
import { Failure } from '#server/failure.ts';

export interface Taken {
  /** What is in use already, and what to do. */
  readonly message: string;
  /** The name, where names of another case are taken too. */
  readonly name?: string;
  readonly fields?: readonly FieldProblem[];
}

/** Runs `work` in a transaction; a violation of a unique constraint becomes a Failure already_exists with this message. */
export async function createUnique<T>(
  db: Database,
  { constraint, ...taken }: Taken & { constraint?: string },
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  try {
    return await db.transaction(work);
  } catch (error) {
    if (!isUniqueViolation(error, constraint)) throw error;
    throw nameTaken(error, taken);
  }
}

/** The Failure already_exists for a unique violation. */
export function nameTaken(error: unknown, { message, name = '', fields = [] }: Taken): Failure {
  const as = takenAs(error);
  return new Failure('already_exists', as === null ? message : `The name ${name} is taken (as ${as})`, {
    fields,
  });
}
