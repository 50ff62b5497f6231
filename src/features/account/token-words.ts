import type { PersonalAccessToken } from '#src/gen/forest/v1/users_pb.ts';

/** What a token may do, in the contract's words and in people's. */
export const scopes = [
  { name: 'read', words: 'See projects, releases and policies.' },
  { name: 'release', words: 'Annotate builds, ask for releases and cancel them. What a CI job needs.' },
  { name: 'approve', words: 'Vote on releases in your name.' },
  { name: 'admin', words: 'What admins change, bypasses included, where you are admin.' },
] as const;

export type Scope = (typeof scopes)[number]['name'];

const day = 86_400;

/** For how long a token can be made, in seconds; 0 for ever. A year is the most. */
export const lifetimes = [
  { seconds: 7 * day, words: '7 days' },
  { seconds: 30 * day, words: '30 days' },
  { seconds: 90 * day, words: '90 days' },
  { seconds: 365 * day, words: '1 year' },
  { seconds: 0, words: 'Does not end' },
] as const;

/** Whether a token has ended by itself, at `now` in milliseconds since 1970. */
export function hasEnded({ expiresAt }: Pick<PersonalAccessToken, 'expiresAt'>, now: number): boolean {
  return expiresAt !== undefined && Number(expiresAt.seconds) * 1000 <= now;
}
