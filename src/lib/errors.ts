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

/** After how many seconds the server may let the same request through; null when that is no matter of time. */
export function retryAfterSeconds(error: unknown): number | null {
  return Number(ConnectError.from(error).metadata.get('retry-after')) || null;
}

/** Seconds to wait when the server has had too many requests in a short time; null for every other error. */
export function retryAfter(error: unknown): number | null {
  const { code, metadata } = ConnectError.from(error);
  const seconds = code === Code.ResourceExhausted ? Number(metadata.get('retry-after')) : 0;
  return seconds > 0 ? seconds : null;
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
  if (isServerAway(error)) {
    // One that did answer knows more: that its database is away, or that the change may have been stored all the same.
    const told = connectError.metadata.has('x-request-id') ? connectError.rawMessage : '';
    const silent = 'The server does not answer. Check the connection and try again.';
    return quoting(connectError, told === '' ? silent : `${told}.`);
  }
  switch (connectError.code) {
    case Code.DeadlineExceeded:
      return quoting(connectError, 'The server took too long to answer. Try again.');
    case Code.Internal:
    case Code.Unknown:
    case Code.DataLoss:
      return quoting(
        connectError,
        'The server failed at this. Try again; if it happens again, tell whoever runs it.',
      );
    case Code.Unauthenticated:
      return connectError.rawMessage || 'You are not signed in.';
    default:
      return (
        connectError.rawMessage || violations.map(({ message }) => message).join('; ') || 'This was refused.'
      );
  }
}

/** With the request's id, if a server has answered at all: whoever runs it finds the request in the log by that. */
function quoting({ metadata }: ConnectError, words: string): string {
  const requestId = metadata.get('x-request-id');
  return requestId ? `${words} Request id ${requestId}.` : words;
}
