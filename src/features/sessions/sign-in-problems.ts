/** A failed sign-in with a provider, from the address: `?problem=…&provider=…&request=…`. */
export interface SignInProblemAddress {
  readonly code: string;
  readonly provider: string;
  readonly request: string;
}

/** Anyone can write an address, so only ids are accepted. */
const ID = /^[A-Za-z0-9._-]{1,128}$/;

/** The problem in an address; null if there is none. */
export function problemIn(search: URLSearchParams): SignInProblemAddress | null {
  const code = search.get('problem');
  if (!code) return null;
  const idOf = (name: string) => {
    const value = search.get(name) ?? '';
    return ID.test(value) ? value : '';
  };
  return { code, provider: idOf('provider'), request: idOf('request') };
}

const messages: Readonly<Record<string, (name: string) => string>> = {
  cancelled: (name) => `You cancelled the sign-in at ${name}. Try again, or sign in another way.`,
  expired: () =>
    'This sign-in has expired, was already used, or was started in another browser. Start again.',
  provider_away: (name) => `Can't reach ${name}. Try again later.`,
  provider_refused: (name) =>
    `The response from ${name} was invalid. Try again, or contact your administrator.`,
  email_unverified: (name) =>
    `${name} has not verified your email address. Verify it there, then sign in again.`,
  domain_not_allowed: (name) =>
    `The domain of your email address at ${name} is not allowed here. Use another account, or contact your administrator.`,
  email_taken: (name) =>
    `A user with your email address already exists. Sign in as before, then connect ${name} under Account.`,
  identity_taken: (name) => `This account at ${name} is connected to another user.`,
  session_ended: () => 'Your session ended or changed, so the account was not connected. Try again.',
  too_many_identities: () =>
    'You have reached the maximum number of connected accounts. Disconnect one first.',
  set_up_first: () => "This server hasn't been set up. Open the setup link printed when it started.",
  set_up_token: () =>
    'The setup link is invalid or was already used, or the organisation name is invalid. Restart the server for a new link.',
  set_up_done: () => 'This server is already set up. Sign in instead.',
  busy: () => 'The server is busy. Try again later.',
  unknown_provider: () => 'Unknown provider. Choose one below.',
};

/** The message for a problem's code, with the provider's name; a general one for an unknown code. */
export function problemMessage(code: string, name: string): string {
  const message = Object.hasOwn(messages, code) ? messages[code] : undefined;
  return message?.(name) ?? 'Sign-in failed. Try again, or contact your administrator.';
}
