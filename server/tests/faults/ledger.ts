import { type Answer, isStrange, type Outcome, outcomeOf } from './calls.ts';

/** Something that a user asked for, and what came of it. */
export interface Operation {
  readonly id: number;
  readonly kind: string;
  readonly user: string;
  readonly userId: string;
  readonly at: number;
  readonly answeredAt: number;
  readonly code: string;
  readonly message: string;
  readonly outcome: Outcome;
  /** What it was about, as far as the check needs it. */
  readonly about: Readonly<Record<string, string>>;
}

export interface Ledger {
  readonly operations: readonly Operation[];
  /** Answers that no fault excuses. */
  readonly strange: readonly Operation[];
  newId(): number;
  write(entry: Omit<Operation, 'code' | 'message' | 'outcome' | 'answeredAt'>, answer: Answer): Operation;
}

export function createLedger(): Ledger {
  const operations: Operation[] = [];
  const strange: Operation[] = [];
  let last = 0;
  return {
    operations,
    strange,
    newId: () => ++last,
    write(entry, answer) {
      const { code, message } = answer;
      const written = { ...entry, answeredAt: Date.now(), code, message, outcome: outcomeOf(answer) };
      operations.push(written);
      if (isStrange(answer)) strange.push(written);
      return written;
    },
  };
}

/** An operation in words, for whoever reads what went wrong. */
export function sayOperation({ id, kind, user, code, message, at, about }: Operation): string {
  const words = message === '' ? '' : ` "${message}"`;
  const of = about['intent'] === undefined ? '' : ` on intent ${about['intent']}`;
  return `${kind} ${id} by ${user}${of} at ${new Date(at).toISOString().slice(11, 23)}: ${code}${words}`;
}
