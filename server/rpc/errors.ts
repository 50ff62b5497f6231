import { create } from '@bufbuild/protobuf';
import {
  type FieldPathElement,
  FieldPathElementSchema,
  FieldPathSchema,
  ViolationSchema,
  ViolationsSchema,
} from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { Code, ConnectError, type Interceptor } from '@connectrpc/connect';
import pg from 'pg';
import type { Logger } from 'pino';
import type { FieldProblem } from '#domain/problem.ts';
import { DatabaseFailure, type DatabaseFailureKind } from '#server/db/database-failure.ts';
import { Failure, type FailureKind } from '#server/failure.ts';
import { noMoreAdmin } from '#server/features/access/service.ts';
import { RetryInfoSchema } from '#server/gen/forest/v1/errors_pb.ts';
import { ReleaseIntentSchema } from '#server/gen/forest/v1/releases_pb.ts';
import { requestRecord } from '#server/http/request-record.ts';
import { requestScope } from '#server/request-scope.ts';
import { codeName } from './code-name.ts';
import { withRequestInfo } from './request-info.ts';

const CODES: Record<FailureKind, Code> = {
  unauthenticated: Code.Unauthenticated,
  invalid_argument: Code.InvalidArgument,
  not_found: Code.NotFound,
  already_exists: Code.AlreadyExists,
  failed_precondition: Code.FailedPrecondition,
  permission_denied: Code.PermissionDenied,
  resource_exhausted: Code.ResourceExhausted,
  unavailable: Code.Unavailable,
};

/** A name, and what stands in brackets behind it: an index, or the quoted key of a map. */
const PATH_ELEMENT = /([^.[\]]+)(?:\[(\d+)\]|\["(.*)"\])?/g;

/** `stages[2].depends_on` or `metadata["url"]` as the path elements that protovalidate's details use. */
const fieldPath = (field: string) =>
  create(FieldPathSchema, {
    elements: [...field.matchAll(PATH_ELEMENT)].map(([, fieldName = '', index, key]) =>
      create(FieldPathElementSchema, { fieldName, subscript: subscript(index, key) }),
    ),
  });

function subscript(index: string | undefined, key: string | undefined): FieldPathElement['subscript'] {
  if (index !== undefined) return { case: 'index', value: BigInt(index) };
  return key === undefined ? { case: undefined } : { case: 'stringKey', value: key };
}

/** Field violations in the form that protovalidate's own have. */
export const violations = (fields: readonly FieldProblem[]) =>
  create(ViolationsSchema, {
    violations: fields.map(({ field, message }) =>
      create(ViolationSchema, { field: fieldPath(field), message, ruleId: 'forage' }),
    ),
  });

function ofFailure(failure: Failure): ConnectError {
  const error = new ConnectError(failure.message, CODES[failure.kind]);
  if (failure.fields.length > 0)
    error.details.push({ desc: ViolationsSchema, value: violations(failure.fields) });
  if (failure.releaseIntentId !== null) {
    const value = create(ReleaseIntentSchema, { releaseIntentId: failure.releaseIntentId });
    error.details.push({ desc: ReleaseIntentSchema, value });
  }
  if (failure.retryAfterSeconds !== null) addRetryInfo(error, failure.retryAfterSeconds);
  return error;
}

/** Adds when to try again to an error: as a detail, and as the header that proxies and clients know (for gRPC a trailer). */
export function addRetryInfo(error: ConnectError, retryAfterSeconds: number): void {
  const value = create(RetryInfoSchema, { retryAfterSeconds });
  error.details.push({ desc: RetryInfoSchema, value });
  error.metadata.set('retry-after', String(retryAfterSeconds));
}

/** What the database could not do is nobody's bug: try again, at once or later. */
const DATABASE_CODES: Record<DatabaseFailureKind, Code> = {
  away: Code.Unavailable,
  no_room: Code.Unavailable,
  full: Code.Unavailable,
  slow: Code.DeadlineExceeded,
  held: Code.Unavailable,
  conflict: Code.Unavailable,
  read_only: Code.Unavailable,
  unknown_outcome: Code.Unavailable,
};

/** Every refusal on the wire is made here: code, words, field violations; never a stack. */
export function connectErrorOf(error: unknown, log: Logger): ConnectError {
  if (error instanceof ConnectError) return error;
  if (error instanceof Failure) return ofFailure(error);
  const ended = noMoreAdmin(error);
  if (ended !== null) return ofFailure(ended);
  if (error instanceof pg.DatabaseError && error.code?.startsWith('22')) {
    // A value that no rule above caught and that the database cannot hold, such as a NUL character.
    return new ConnectError('a value in the request cannot be stored', Code.InvalidArgument);
  }
  if (error instanceof DatabaseFailure) {
    const problem = error.cause instanceof Error ? error.cause.message : null;
    log.warn({ kind: error.kind, problem }, 'the database could not do what a request asked');
    return new ConnectError(error.message, DATABASE_CODES[error.kind]);
  }
  if (error instanceof Error && error.name === 'AbortError')
    return new ConnectError('cancelled', Code.Canceled);
  log.error({ err: error }, 'a request failed unexpectedly');
  const { requestId } = requestScope() ?? {};
  const logged =
    requestId === undefined ? 'it has been logged' : `it has been logged as request ${requestId}`;
  return new ConnectError(`something went wrong on our side; ${logged}`, Code.Internal);
}

/**
 * The outermost interceptor: turns whatever a request throws, also while it streams, into a Connect error that names the
 * request.
 */
export function errorInterceptor(log: Logger): Interceptor {
  const told = (error: unknown): ConnectError => {
    const refusal = withRequestInfo(connectErrorOf(error, log));
    const record = requestRecord();
    if (record !== null) record.code = codeName(refusal.code);
    return refusal;
  };
  return (next) => async (request) => {
    try {
      const response = await next(request);
      if (!response.stream) return response;
      return { ...response, message: mapped(response.message, told) };
    } catch (error) {
      throw told(error);
    }
  };
}

async function* mapped<T>(
  messages: AsyncIterable<T>,
  told: (error: unknown) => ConnectError,
): AsyncIterable<T> {
  try {
    yield* messages;
  } catch (error) {
    throw told(error);
  }
}
