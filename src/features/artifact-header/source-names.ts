import type { Source } from '#src/gen/forest/v1/releases_pb.ts';

/**
 * Whom a source names: `alice (author)` where that is a member's name, `Alice, author alice` where it is another name of a
 * member, who cannot approve releases of the artifact; else the name or address as the client gave it.
 */
export function sourceNames({
  user,
  email,
  authorUsernames,
}: Pick<Source, 'user' | 'email' | 'authorUsernames'>): string {
  const given = user || email || '';
  if (authorUsernames.length === 0) return given;
  const [only] = authorUsernames;
  if (authorUsernames.length === 1 && only?.toLowerCase() === given.trim().toLowerCase()) {
    return `${only} (author)`;
  }
  const authors = `${authorUsernames.length === 1 ? 'author' : 'authors'} ${authorUsernames.join(' and ')}`;
  return given === '' ? authors : `${given}, ${authors}`;
}
