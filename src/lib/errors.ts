import { Code, ConnectError } from '@connectrpc/connect';
import { type FieldViolation, readViolations } from './violations.ts';

export interface DescribedError {
  readonly code: Code;
  /** Words for a person: what happened and what to do. */
  readonly message: string;
  /** By the field's path in the contract (`name`, `soak_time.duration_seconds`): what is wrong with it. */
  readonly fieldErrors: Readonly<Record<string, string>>;
  /** What the server found wrong with the request as a whole, at no field. */
  readonly otherProblems: readonly string[];
}

/** Whether an error means that no server answered, rather than that it refused. */
export function isServerAway(error: unknown): boolean {
  const connectError = ConnectError.from(error);
  if (connectError.code === Code.Unavailable) return true;
  // `fetch` rejects with a TypeError when there is no network or nobody listens.
  return error instanceof TypeError || connectError.cause instanceof TypeError;
}

/**
 * Turns what a request threw into words. The server's own words are kept, because they name the thing; only
 * what comes from no server, or from a fault inside it, gets words of ours.
 */
export function describeError(error: unknown): DescribedError {
  const connectError = ConnectError.from(error);
  const violations = violationsOf(connectError);
  const fieldErrors: Record<string, string> = {};
  for (const { field, message } of violations) {
    if (field && message)
      fieldErrors[field] = fieldErrors[field] ? `${fieldErrors[field]}; ${message}` : message;
  }
  return {
    code: connectError.code,
    message: messageOf(error, connectError, violations),
    fieldErrors,
    otherProblems: violations.filter(({ field }) => !field).map(({ message }) => message),
  };
}

function violationsOf(error: ConnectError): readonly FieldViolation[] {
  return error.details.flatMap((detail) =>
    'type' in detail ? readViolations(detail.type, detail.value) : [],
  );
}

function messageOf(
  error: unknown,
  connectError: ConnectError,
  violations: readonly FieldViolation[],
): string {
  if (isServerAway(error)) return 'The server does not answer. Check the connection and try again.';
  switch (connectError.code) {
    case Code.DeadlineExceeded:
      return 'The server took too long to answer. Try again.';
    case Code.Internal:
    case Code.Unknown:
    case Code.DataLoss:
      return 'The server failed at this. Try again; if it happens again, tell whoever runs it.';
    case Code.Unauthenticated:
      return connectError.rawMessage || 'You are not signed in.';
    default:
      return (
        connectError.rawMessage || violations.map(({ message }) => message).join('; ') || 'This was refused.'
      );
  }
}
