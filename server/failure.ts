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

  constructor(
    kind: FailureKind,
    message: string,
    options: { fields?: readonly FieldProblem[]; releaseIntentId?: string } = {},
  ) {
    super(message);
    this.name = 'Failure';
    this.kind = kind;
    this.fields = options.fields ?? [];
    this.releaseIntentId = options.releaseIntentId ?? null;
  }
}

/** `thing` is named with its id or name: `notFound('policy "prod"')` says `policy "prod" not found`. */
export const notFound = (thing: string): Failure => new Failure('not_found', `${thing} not found`);

/** One or more fields are wrong; the message is the first problem, all of them stand in the details. */
export function invalid(...problems: readonly FieldProblem[]): Failure {
  const words = problems.map((p) => `${p.field}: ${p.message}`).join('; ');
  return new Failure('invalid_argument', words, { fields: problems });
}

export const failedPrecondition = (message: string): Failure => new Failure('failed_precondition', message);
export const permissionDenied = (message: string): Failure => new Failure('permission_denied', message);
