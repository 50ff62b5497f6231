import type { GetReleaseRequirementsResponse } from '#src/gen/forest/v1/policies_pb.ts';

/** Whose release it is, to stand in a sentence: `ci (service account) or alice`. */
export function authorWords({
  authors,
  authorUsername,
}: Pick<GetReleaseRequirementsResponse, 'authors' | 'authorUsername'>): string {
  const names = authors.map(({ username }) => username);
  if (names.length < 2) return authorUsername;
  return `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}
