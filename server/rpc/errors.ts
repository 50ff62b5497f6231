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
import { Failure, type FailureKind } from '#server/failure.ts';
import { ReleaseIntentSchema } from '#server/gen/forest/v1/releases_pb.ts';

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
  return error;
}

/** PostgreSQL's classes that are nobody's bug: the database is away, stopping or too busy (53, 57, 08). */
const isAway = (error: unknown): boolean =>
  error instanceof pg.DatabaseError
    ? /^(08|53|57)/.test(error.code ?? '')
    : error instanceof Error &&
      /ECONNREFUSED|ECONNRESET|ENOENT|EPIPE|Connection terminated|timeout exceeded when trying to connect/.test(
        `${(error as NodeJS.ErrnoException).code ?? ''} ${error.message}`,
      );

/** Every refusal on the wire is made here: code, words, field violations; never a stack. */
export function connectErrorOf(error: unknown, log: Logger): ConnectError {
  if (error instanceof ConnectError) return error;
  if (error instanceof Failure) return ofFailure(error);
  if (error instanceof pg.DatabaseError && error.code?.startsWith('22')) {
    // A value that no rule above caught and that the database cannot hold, such as a NUL character.
    return new ConnectError('a value in the request cannot be stored', Code.InvalidArgument);
  }
  if (isAway(error)) {
    log.error({ err: error }, 'the database is away');
    return new ConnectError('the database is away; try again in a moment', Code.Unavailable);
  }
  if (error instanceof Error && error.name === 'AbortError')
    return new ConnectError('cancelled', Code.Canceled);
  log.error({ err: error }, 'a request failed unexpectedly');
  return new ConnectError('something went wrong on our side; it has been logged', Code.Internal);
}

/** The outermost interceptor: turns whatever a request throws, also while it streams, into a Connect error. */
export function errorInterceptor(log: Logger): Interceptor {
  return (next) => async (request) => {
    const about = log.child({ method: `${request.service.typeName}.${request.method.name}` });
    try {
      const response = await next(request);
      if (!response.stream) return response;
      return { ...response, message: mapped(response.message, about) };
    } catch (error) {
      throw connectErrorOf(error, about);
    }
  };
}

async function* mapped<T>(messages: AsyncIterable<T>, log: Logger): AsyncIterable<T> {
  try {
    yield* messages;
  } catch (error) {
    throw connectErrorOf(error, log);
  }
}
