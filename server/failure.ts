import type { FieldProblem } from '#domain/problem.ts';

/** The kind of a refusal; `rpc/errors.ts` maps it to a code of the wire. */
export type FailureKind =
  | 'unauthenticated'
  | 'invalid_argument'
  | 'not_found'
  | 'already_exists'
  | 'aborted'
  | 'failed_precondition'
  | 'permission_denied'
  | 'resource_exhausted'
  | 'unavailable';

/** A refusal that the caller sees. `message` says what happened, to what, and what to do. */
export class Failure extends Error {
  readonly kind: FailureKind;
  readonly fields: readonly FieldProblem[];
  /** The release intent that is under way, for `already_exists` of a release. */
  readonly releaseIntentId: string | null;
  /** Whole seconds until a retry can succeed, at least 1; for `resource_exhausted`. */
  readonly retryAfterSeconds: number | null;

  constructor(
    kind: FailureKind,
    message: string,
    options: {
      fields?: readonly FieldProblem[];
      releaseIntentId?: string;
      retryAfterSeconds?: number;
    } = {},
  ) {
    super(message);
    this.name = 'Failure';
    this.kind = kind;
    this.fields = options.fields ?? [];
    this.releaseIntentId = options.releaseIntentId ?? null;
    this.retryAfterSeconds = options.retryAfterSeconds ?? null;
  }
}

/** @param thing with its id or name: `notFound('Policy "prod"')` has the message `Policy "prod" not found` */
export const notFound = (thing: string): Failure => new Failure('not_found', `${thing} not found`);

/** One or more invalid fields; the message and the details list all of them. */
export function invalid(...problems: readonly FieldProblem[]): Failure {
  const message = problems.map((p) => `${p.field}: ${p.message}`).join('; ');
  return new Failure('invalid_argument', message, { fields: problems });
}

/** A limit is reached. @param retryAfterSeconds rounded up to whole seconds */
export const exhausted = (message: string, retryAfterSeconds: number): Failure =>
  new Failure('resource_exhausted', message, {
    retryAfterSeconds: Math.max(1, Math.ceil(retryAfterSeconds)),
  });

/**
 * Somebody else's change came first.
 * @param expected the version that the caller has seen; null when it does not matter
 */
export function requireVersion(thing: string, version: number, expected: bigint | null): void {
  if (expected === null || BigInt(version) === expected) return;
  const message = `${thing} has changed: it is at version ${version}, not ${expected}. Load it again.`;
  throw new Failure('aborted', message);
}

export const failedPrecondition = (message: string): Failure => new Failure('failed_precondition', message);
export const permissionDenied = (message: string): Failure => new Failure('permission_denied', message);
