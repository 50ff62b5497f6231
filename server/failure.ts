import type { FieldProblem } from '#domain/problem.ts';

/** Why a request is refused, in the words of the rules; the wire's codes are chosen in `rpc/errors.ts` alone. */
export type FailureKind =
  | 'unauthenticated'
  | 'invalid_argument'
  | 'not_found'
  | 'already_exists'
  | 'failed_precondition'
  | 'permission_denied'
  | 'resource_exhausted'
  | 'unavailable';

/** A refusal that the caller is told about: `message` names the thing and says what to do. */
export class Failure extends Error {
  readonly kind: FailureKind;
  readonly fields: readonly FieldProblem[];
  /** The release intent that stands in the way, for `already_exists` of a release. */
  readonly releaseIntentId: string | null;
  /** When to try again, in whole seconds from now, 1 or more; for `resource_exhausted`. */
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

/** `thing` is named with its id or name: `notFound('policy "prod"')` says `policy "prod" not found`. */
export const notFound = (thing: string): Failure => new Failure('not_found', `${thing} not found`);

/** One or more fields are wrong; the message is the first problem, all of them stand in the details. */
export function invalid(...problems: readonly FieldProblem[]): Failure {
  const words = problems.map((p) => `${p.field}: ${p.message}`).join('; ');
  return new Failure('invalid_argument', words, { fields: problems });
}

/** Too much of something; `retryAfterSeconds`, rounded up to whole seconds, tells when there is room again. */
export const exhausted = (message: string, retryAfterSeconds: number): Failure =>
  new Failure('resource_exhausted', message, {
    retryAfterSeconds: Math.max(1, Math.ceil(retryAfterSeconds)),
  });

export const failedPrecondition = (message: string): Failure => new Failure('failed_precondition', message);
export const permissionDenied = (message: string): Failure => new Failure('permission_denied', message);
