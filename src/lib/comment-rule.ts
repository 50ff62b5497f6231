/** The most that a comment or a reason may hold, in characters as a person counts them; the server's rule. */
export const commentLimit = 2_000;

/** What is wrong with a comment before it is sent; undefined when nothing is. */
export function commentProblem(comment: string): string | undefined {
  const length = Array.from(comment).length;
  if (length <= commentLimit) return undefined;
  return `At most ${commentLimit.toLocaleString('en')} characters; this has ${length.toLocaleString('en')}.`;
}
