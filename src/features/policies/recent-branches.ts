import type { Artifact } from '#src/gen/forest/v1/releases_pb.ts';

const MAX_BRANCHES = 20;
const MAX_NAMED = 5;

/** The branches of builds, newest first, each once; at most 20. */
export function recentBranches(artifacts: readonly Pick<Artifact, 'ref'>[]): readonly string[] {
  const branches = new Set(artifacts.flatMap(({ ref }) => (ref?.branch ? [ref.branch] : [])));
  return [...branches].slice(0, MAX_BRANCHES);
}

/** `Matches 2 of the last 3 branches: main, release/2.1`. */
export function matchSentence(matching: readonly string[], count: number): string {
  const named = matching.slice(0, MAX_NAMED).join(', ');
  const more = matching.length > MAX_NAMED ? ', …' : '';
  const of = count === 1 ? '1 recent branch' : `the last ${count} branches`;
  return `Matches ${matching.length} of ${of}${named && `: ${named}${more}`}`;
}
