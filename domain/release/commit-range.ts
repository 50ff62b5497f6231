/** What the commits of one build start after. */
export interface CommitRange {
  readonly commit: string;
  /** Null when its CI did not say. */
  readonly base: string | null;
  /** Whether its commits contain the one that is looked for. */
  readonly reaches: boolean;
}

/** Whether the commits of builds lead from one commit back to an older one without a gap. */
export function leadsBackTo(older: string, newer: string, ranges: readonly CommitRange[]): boolean {
  const seen = new Set<string>();
  const left = [newer];
  for (let commit = left.pop(); commit !== undefined; commit = left.pop()) {
    if (commit === older) return true;
    if (seen.has(commit)) continue;
    seen.add(commit);
    for (const range of ranges.filter((one) => one.commit === commit)) {
      if (range.reaches) return true;
      if (range.base !== null) left.push(range.base);
    }
  }
  return false;
}
