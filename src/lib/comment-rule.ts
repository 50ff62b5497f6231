/** The server's limit for comments and reasons, in Unicode characters. */
const MAX_COMMENT_LENGTH = 2_000;

/** What is wrong with a comment; undefined if it may be sent. */
export function commentProblem(comment: string): string | undefined {
  const length = Array.from(comment).length;
  if (length <= MAX_COMMENT_LENGTH) return undefined;
  return `Must be at most ${MAX_COMMENT_LENGTH.toLocaleString('en')} characters; this has ${length.toLocaleString('en')}`;
}
