/**
 * Why a sign-in by a provider came to nothing, as the address of the sign-in screen names it; the screen has the words.
 * Nothing that a provider says is passed on.
 */
export type ProblemCode =
  /** The person said no at the provider. */
  | 'cancelled'
  /** Unknown, used already, older than ten minutes, or begun in another browser. */
  | 'expired'
  /** The provider cannot be reached. */
  | 'provider_away'
  /** The provider answered with an error, or with something that does not hold. */
  | 'provider_refused'
  | 'email_unverified'
  | 'domain_not_allowed'
  /** Another user has this address: connecting takes a signed-in user. */
  | 'email_taken'
  /** The identity is another user's. */
  | 'identity_taken'
  /** The session in which an identity was to be connected has ended. */
  | 'session_ended'
  /** The user has as many identities as one can have. */
  | 'too_many_identities'
  /** Nobody may come before the first admin. */
  | 'set_up_first'
  | 'set_up_token'
  | 'set_up_done'
  /** Too many sign-ins from one address, or a database that is away. */
  | 'busy'
  | 'unknown_provider'
  | 'failed';

/** A sign-in by a provider that came to nothing. `cause` is for the log, which is told no code, token or address. */
export class SignInProblem extends Error {
  override readonly name = 'SignInProblem';
  readonly code: ProblemCode;

  constructor(code: ProblemCode, cause?: unknown) {
    super(`sign-in by a provider: ${code}`, { cause });
    this.code = code;
  }
}

/** What a log may know of an error of the client's library, whose own causes hold tokens and claims. */
export function loggable(error: unknown): Record<string, string> {
  const told: Record<string, string> = {};
  let depth = 0;
  for (let one = error; one instanceof Error && depth < 4; one = one.cause, depth++) {
    const code = 'code' in one ? ` (${String(one.code)})` : '';
    told[`error${depth === 0 ? '' : depth}`] = `${one.name}: ${one.message.slice(0, 200)}${code}`;
    if ('error' in one && typeof one.error === 'string' && /^[a-z_]{1,64}$/.test(one.error))
      told['providerError'] = one.error;
  }
  return told;
}
