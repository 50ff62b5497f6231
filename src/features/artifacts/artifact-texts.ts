import type { Source } from '#src/gen/forest/v1/releases_pb.ts';

/** The longest heading, in characters as they are displayed. */
const MAX_HEADING_LENGTH = 160;

/** The first line of a title, shortened to a heading; and the full title if the heading leaves something out. */
export function titleLines(title: string): { readonly heading: string; readonly full: string | undefined } {
  const full = title.trim();
  const firstLine = full.split(/\r?\n/, 1)[0]?.trim() ?? '';
  const characters = [...new Intl.Segmenter().segment(firstLine)].map(({ segment }) => segment);
  const heading =
    characters.length > MAX_HEADING_LENGTH
      ? `${characters.slice(0, MAX_HEADING_LENGTH - 1).join('')}…`
      : firstLine;
  return { heading: heading || 'Untitled', full: heading === full || full === '' ? undefined : full };
}

/**
 * The person that a source names: `alice (author)` for a member's username, `Alice, author alice` for another name of a
 * member, who is an author and cannot approve; else the name or address as the client sent it.
 */
export function sourceLabel({
  user,
  email,
  authorUsernames,
}: Pick<Source, 'user' | 'email' | 'authorUsernames'>): string {
  const given = user || email || '';
  const [only, ...others] = authorUsernames;
  if (only === undefined) return given;
  if (others.length === 0 && only.toLowerCase() === given.trim().toLowerCase()) return `${only} (author)`;
  const authors = `${others.length === 0 ? 'author' : 'authors'} ${authorUsernames.join(' and ')}`;
  return given === '' ? authors : `${given}, ${authors}`;
}
