import { create } from '@bufbuild/protobuf';
import { type Violations, ViolationsSchema } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { Code, ConnectError, type Interceptor } from '@connectrpc/connect';
import pg from 'pg';
import type { Logger } from 'pino';
import { DatabaseFailure } from '#server/db/database-failure.ts';
import { Failure, type FailureKind } from '#server/failure.ts';
import { adminFailureOf } from '#server/features/access/service.ts';
import { RequestInfoSchema, RetryInfoSchema } from '#server/gen/forest/v1/errors_pb.ts';
import { ReleaseIntentSchema } from '#server/gen/forest/v1/releases_pb.ts';
import { currentRequest, isServerShutdown, type RequestScope, requestScope } from '#server/request-scope.ts';
import { isMalformed, unknownFieldMessage, unreadableField } from './unreadable.ts';
import { fitInto, messageOf, violationsOf, withJsonNames } from './violations.ts';

/** An error that repeats parts of a request is cut: gRPC sends it in trailers, which must fit into one frame of 16 kB. */
const MAX_MESSAGE_CHARACTERS = 1_000;
const MAX_DETAIL_BYTES = 4_000;

const CODES: Record<FailureKind, Code> = {
  unauthenticated: Code.Unauthenticated,
  invalid_argument: Code.InvalidArgument,
  not_found: Code.NotFound,
  already_exists: Code.AlreadyExists,
  failed_precondition: Code.FailedPrecondition,
  permission_denied: Code.PermissionDenied,
  resource_exhausted: Code.ResourceExhausted,
  aborted: Code.Aborted,
  unavailable: Code.Unavailable,
};

/** The name of a code in Connect's JSON, such as `invalid_argument`. */
export const codeName = (code: Code): string =>
  Code[code]?.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toLowerCase() ?? 'unknown';

/** An invalid request. Message and details name fields as the caller does: in camelCase for JSON, otherwise in snake_case. */
export function invalidArgument(violations: Violations, scope = requestScope()): ConnectError {
  const value = fitInto(MAX_DETAIL_BYTES, scope?.sendsJson === true ? withJsonNames(violations) : violations);
  const details = [{ desc: ViolationsSchema, value }];
  return new ConnectError(messageOf(value), Code.InvalidArgument, undefined, details);
}

function errorOfFailure(failure: Failure): ConnectError {
  const error = new ConnectError(failure.message, CODES[failure.kind]);
  if (failure.fields.length > 0) {
    const invalid = invalidArgument(violationsOf(failure.fields));
    if (failure.kind === 'invalid_argument') return invalid;
    error.details = invalid.details;
  }
  if (failure.releaseIntentId !== null) {
    const value = create(ReleaseIntentSchema, { releaseIntentId: failure.releaseIntentId });
    error.details.push({ desc: ReleaseIntentSchema, value });
  }
  if (failure.retryAfterSeconds !== null) {
    const value = create(RetryInfoSchema, { retryAfterSeconds: failure.retryAfterSeconds });
    error.details.push({ desc: RetryInfoSchema, value });
    // The header that proxies and clients know; gRPC sends it as a trailer.
    error.metadata.set('retry-after', String(failure.retryAfterSeconds));
  }
  return error;
}

/** The error on the wire for anything that a call throws: a code, a message and details, never a stack. */
export function connectErrorOf(error: unknown, log: Logger): ConnectError {
  if (error instanceof ConnectError) return error;
  if (error instanceof Failure) return errorOfFailure(error);
  const adminEnded = adminFailureOf(error);
  if (adminEnded !== null) return errorOfFailure(adminEnded);
  if (error instanceof pg.DatabaseError && error.code?.startsWith('22')) {
    // PostgreSQL's class of data exceptions: a value that validation did not catch.
    return new ConnectError('The database cannot store a value of the request', Code.InvalidArgument);
  }
  if (error instanceof DatabaseFailure) {
    const cause = error.cause instanceof Error ? error.cause.message : null;
    log.warn({ kind: error.kind, cause }, 'The database could not process a request');
    // Not a bug: the caller may try again.
    return new ConnectError(
      error.message,
      error.kind === 'statement_timeout' ? Code.DeadlineExceeded : Code.Unavailable,
    );
  }
  if (error instanceof Error && error.name === 'AbortError')
    return new ConnectError('Cancelled', Code.Canceled);
  log.error({ err: error }, 'A request failed unexpectedly');
  const requestId = requestScope()?.requestId;
  const details =
    requestId === undefined ? 'the log has the details' : `the log has it as request ${requestId}`;
  return new ConnectError(`Something went wrong on the server; ${details}`, Code.Internal);
}

/** Replaces the errors of Connect and Protobuf for malformed messages; returns all other errors unchanged. */
function explained(error: ConnectError, scope: RequestScope): ConnectError {
  if (isMalformed(error))
    return new ConnectError(`Malformed message: ${error.rawMessage}`, Code.InvalidArgument, error.metadata);
  const unknownField = unknownFieldMessage(error.rawMessage);
  if (unknownField !== null) return new ConnectError(unknownField, error.code, error.metadata);
  const problem = unreadableField(error);
  return problem === null ? error : invalidArgument(violationsOf([problem]), scope);
}

/** The parts of an error as they are sent: explained, limited in size, with the request's id. Sets the scope's code. */
export function finished(error: ConnectError, scope: RequestScope) {
  const { code, rawMessage, metadata, details } = explained(error, scope);
  const cut =
    rawMessage.length > MAX_MESSAGE_CHARACTERS
      ? `${rawMessage.slice(0, MAX_MESSAGE_CHARACTERS)}…`
      : rawMessage;
  const { requestId } = scope;
  const parts = {
    code,
    // gRPC cannot send half a surrogate pair.
    rawMessage: cut.toWellFormed(),
    metadata: new Headers(metadata),
    details: details.filter((detail) => 'desc' in detail),
  };
  parts.metadata.set('x-request-id', requestId);
  parts.details.push({ desc: RequestInfoSchema, value: { requestId } });
  scope.code = codeName(code);
  return parts;
}

/** The outermost interceptor: converts everything that a call throws, also while it streams. */
export function errorInterceptor(log: Logger): Interceptor {
  return (next) => async (request) => {
    const scope = currentRequest();
    scope.reachedInterceptors = true;
    // A new object, because several calls may end with one error.
    const converted = (error: unknown): ConnectError => {
      const connectError = connectErrorOf(error, log);
      const { code, rawMessage, metadata, details } = finished(connectError, scope);
      return new ConnectError(rawMessage, code, metadata, details, connectError.cause);
    };
    try {
      const response = await next(request);
      if (!response.stream) return response;
      return { ...response, message: convertErrors(response.message, converted) };
    } catch (error) {
      throw converted(error);
    }
  };
}

async function* convertErrors<T>(
  messages: AsyncIterable<T>,
  converted: (error: unknown) => ConnectError,
): AsyncIterable<T> {
  try {
    yield* messages;
  } catch (error) {
    throw converted(error);
  }
}

/**
 * Finishes the errors that Connect raises before any interceptor runs, such as for an unreadable message. Connect aborts the
 * call's signal with its error before it writes the error, so it is completed in place.
 */
export function finishEarlyErrors(signal: AbortSignal, scope: RequestScope): void {
  const finish = () => {
    const { reason } = signal;
    if (scope.reachedInterceptors || !(reason instanceof ConnectError) || isServerShutdown(reason)) return;
    Object.assign(reason, finished(reason, scope));
  };
  if (signal.aborted) finish();
  else signal.addEventListener('abort', finish, { once: true });
}
