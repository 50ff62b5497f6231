/** The longest heading; what is longer stands in full behind the fold. */
const headingLimit = 160;

/**
 * A title as people write them (a commit's first line, or all of it) as a heading and, where the heading leaves something
 * out, the full text. Cuts between characters as they are seen, never inside one.
 */
export function titleLines(title: string): { readonly heading: string; readonly full: string | undefined } {
  const full = title.trim();
  const firstLine = full.split(/\r?\n/, 1)[0]?.trim() ?? '';
  const characters = [...new Intl.Segmenter().segment(firstLine)].map(({ segment }) => segment);
  const heading =
    characters.length > headingLimit ? `${characters.slice(0, headingLimit - 1).join('')}…` : firstLine;
  return { heading: heading || 'Untitled', full: heading === full || full === '' ? undefined : full };
}
