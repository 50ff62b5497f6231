import { type Answer, isUnexpected, type Outcome, outcomeOf } from './calls.ts';

/** An operation of a user, and its outcome. */
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
  /** What the operation was about, as far as the checks need it. */
  readonly about: Readonly<Record<string, string>>;
}

export interface Ledger {
  readonly operations: readonly Operation[];
  /** Answers that no fault explains. */
  readonly unexpected: readonly Operation[];
  newId(): number;
  write(entry: Omit<Operation, 'code' | 'message' | 'outcome' | 'answeredAt'>, answer: Answer): Operation;
}

export function createLedger(): Ledger {
  const operations: Operation[] = [];
  const unexpected: Operation[] = [];
  let last = 0;
  return {
    operations,
    unexpected,
    newId: () => ++last,
    write(entry, answer) {
      const { code, message } = answer;
      const written = { ...entry, answeredAt: Date.now(), code, message, outcome: outcomeOf(answer) };
      operations.push(written);
      if (isUnexpected(answer)) unexpected.push(written);
      return written;
    },
  };
}

/** Describes an operation for a report. */
export function describeOperation({ id, kind, user, code, message, at, about }: Operation): string {
  const quoted = message === '' ? '' : ` "${message}"`;
  const target = about['intent'] === undefined ? '' : ` on intent ${about['intent']}`;
  return `${kind} ${id} by ${user}${target} at ${new Date(at).toISOString().slice(11, 23)}: ${code}${quoted}`;
}
