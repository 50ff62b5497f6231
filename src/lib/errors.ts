import { Code, ConnectError } from '@connectrpc/connect';
import { type FieldViolation, readViolations } from './violations.ts';
import { revealHidden } from './visible-text.ts';

export interface DescribedError {
  readonly code: Code;
  /** What happened and what to do. */
  readonly message: string;
  /** Problems by the field's path in the contract: `name`, `soak_time.duration_seconds`. */
  readonly fieldErrors: Readonly<Record<string, string>>;
  /** Problems of the request as a whole. */
  readonly otherProblems: readonly string[];
}

/** Whether no server answered at all, so that a request was not handled. */
export function isUnreachable(error: unknown): boolean {
  return isServerAway(error) && !ConnectError.from(error).metadata.has('x-request-id');
}

/** Whether the server could not be reached or cannot handle requests now, so that it makes sense to try again. */
export function isServerAway(error: unknown): boolean {
  const connectError = ConnectError.from(error);
  if (connectError.code === Code.Unavailable) return true;
  // `fetch` rejects with a TypeError without a network or a listening server.
  return error instanceof TypeError || connectError.cause instanceof TypeError;
}

/** The server's `retry-after` in seconds; null if it sent none. */
export function retryAfterSeconds(error: unknown): number | null {
  return Number(ConnectError.from(error).metadata.get('retry-after')) || null;
}

/** Seconds to wait after a rate limit; null for every other error. */
export function retryAfter(error: unknown): number | null {
  const { code, metadata } = ConnectError.from(error);
  const seconds = code === Code.ResourceExhausted ? Number(metadata.get('retry-after')) : 0;
  return seconds > 0 ? seconds : null;
}

/** The message for a failed request. The server's own message is kept, except for faults inside the server. */
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
    // Servers quote names and branches in their messages.
    message: revealHidden(messageOf(error, connectError, violations)),
    fieldErrors,
    otherProblems: violations.filter(({ field }) => !field).map(({ message }) => message),
  };
}

function violationsOf(error: ConnectError): readonly FieldViolation[] {
  return error.details
    .flatMap((detail) => ('type' in detail ? readViolations(detail.type, detail.value) : []))
    .map(({ field, message }) => ({ field, message: revealHidden(message) }));
}

function messageOf(
  error: unknown,
  connectError: ConnectError,
  violations: readonly FieldViolation[],
): string {
  if (isUnreachable(error)) return "Can't reach the server. Check the connection and try again.";
  switch (connectError.code) {
    case Code.Unavailable: {
      // The server answered: its message names what is unavailable, or warns that the change may have been stored.
      const message = connectError.rawMessage.replace(/\.?$/, '.');
      return withRequestId(connectError, message);
    }
    case Code.DeadlineExceeded:
      return withRequestId(connectError, 'The server took too long to answer. Try again.');
    case Code.Internal:
    case Code.Unknown:
    case Code.DataLoss:
      return withRequestId(
        connectError,
        'Something went wrong on the server. Try again, or contact your administrator.',
      );
    case Code.Unauthenticated:
      return connectError.rawMessage || 'You are not signed in.';
    default:
      return (
        connectError.rawMessage ||
        violations.map(({ message }) => message).join('; ') ||
        'The server refused the request.'
      );
  }
}

/** Adds the request ID, by which an administrator finds the request in the log. */
function withRequestId({ metadata }: ConnectError, message: string): string {
  const requestId = metadata.get('x-request-id');
  return requestId ? `${message} Request ID ${requestId}.` : message;
}
