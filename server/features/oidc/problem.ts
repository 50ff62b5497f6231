/**
 * Why a sign-in with a provider failed, as in the sign-in screen's address; the screen has the message. Nothing that a
 * provider sent is passed on.
 */
export type ProblemCode =
  /** The user cancelled at the provider. */
  | 'cancelled'
  /** Unknown, used, older than ten minutes, or begun in another browser. */
  | 'expired'
  /** The provider cannot be reached. */
  | 'provider_away'
  /** The provider answered with an error, or with something invalid. */
  | 'provider_refused'
  | 'email_unverified'
  | 'domain_not_allowed'
  /** Another user has this address. */
  | 'email_taken'
  /** The identity belongs to another user. */
  | 'identity_taken'
  /** The session that was to get an identity has ended. */
  | 'session_ended'
  | 'too_many_identities'
  /** The server has no first admin yet. */
  | 'set_up_first'
  | 'set_up_token'
  | 'set_up_done'
  /** Too many sign-ins from one address, or an unavailable database. */
  | 'busy'
  | 'unknown_provider'
  | 'failed';

/** A sign-in by a provider that failed. `cause` is for the log, through `loggable`. */
export class SignInProblem extends Error {
  override readonly name = 'SignInProblem';
  readonly code: ProblemCode;

  constructor(code: ProblemCode, cause?: unknown) {
    super(`Sign-in by a provider failed: ${code}`, { cause });
    this.code = code;
  }
}

const MAX_CAUSES = 4;

/** The loggable part of an error of openid-client, whose causes contain tokens and claims. */
export function loggable(error: unknown): Record<string, string> {
  const fields: Record<string, string> = {};
  let depth = 0;
  for (let one = error; one instanceof Error && depth < MAX_CAUSES; one = one.cause, depth++) {
    const code = 'code' in one ? ` (${String(one.code)})` : '';
    fields[`error${depth === 0 ? '' : depth}`] = `${one.name}: ${one.message.slice(0, 200)}${code}`;
    if ('error' in one && typeof one.error === 'string' && /^[a-z_]{1,64}$/.test(one.error))
      fields['providerError'] = one.error;
  }
  return fields;
}
