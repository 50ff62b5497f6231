/** What an address tells of a sign-in by a provider that came to nothing: `?problem=…&provider=…&request=…`. */
export interface SignInProblemAddress {
  readonly code: string;
  readonly provider: string;
  readonly request: string;
}

/** Anybody can write an address: no more of it is shown than an id can hold. */
const ID = /^[A-Za-z0-9._-]{1,128}$/;

/** The problem that an address tells of; null when it tells of none. */
export function problemIn(search: URLSearchParams): SignInProblemAddress | null {
  const code = search.get('problem');
  if (!code) return null;
  const idOf = (name: string) => {
    const value = search.get(name) ?? '';
    return ID.test(value) ? value : '';
  };
  return { code, provider: idOf('provider'), request: idOf('request') };
}

const words: Readonly<Record<string, (name: string) => string>> = {
  cancelled: (name) => `You did not sign in at ${name}. Try again, or choose another way.`,
  expired: () =>
    'This sign-in was begun too long ago, in another browser, or has been used already. Begin it again.',
  provider_away: (name) => `${name} cannot be reached. Try again in a moment.`,
  provider_refused: (name) =>
    `The answer of ${name} was not accepted. Try again; if it stays so, tell whoever runs this server.`,
  email_unverified: (name) =>
    `${name} does not vouch for your email address. Verify it there, and sign in again.`,
  domain_not_allowed: (name) =>
    `Your email address at ${name} is of a domain that this server does not let in. Sign in there with another account, or ask whoever runs this server.`,
  email_taken: (name) =>
    `There is a user with your email address here already. Sign in as you have done so far, and connect ${name} under Account.`,
  identity_taken: (name) => `This account at ${name} belongs to another user here. Nothing was connected.`,
  session_ended: () => 'Your session ended, or is another one now. Nothing was connected: try again.',
  too_many_identities: () => 'You have as many connected accounts as there can be: disconnect one first.',
  set_up_first: () => 'This server is empty: its first admin comes by the address that it printed at start.',
  set_up_token: () =>
    'The set-up address is wrong or spent, or the organisation has no usable name. The server prints a new address when it starts.',
  set_up_done: () => 'This server is set up already: sign in instead.',
  busy: () => 'The server is busy. Try again in a moment.',
  unknown_provider: () => 'This server does not know this provider. Choose one below.',
};

/** Words for a problem's code; `name` is the provider's. A code of a newer server gets words that always hold. */
export function problemWords(code: string, name: string): string {
  const say = Object.hasOwn(words, code) ? words[code] : undefined;
  return say?.(name) ?? 'Signing in did not work. Try again; if it stays so, tell whoever runs this server.';
}
