import type { PendingApproval } from '#src/gen/forest/v1/policies_pb.ts';

export type Decision = 'approved' | 'rejected';

/** A vote cast from the list, from its sending on. */
export interface CastVote {
  readonly approval: PendingApproval;
  readonly decision: Decision;
  readonly comment: string;
  readonly state: 'sending' | 'recorded' | 'refused';
  /** Once recorded: how many approvals count now, as the server says. */
  readonly counted?: number | undefined;
  /** Once refused: why. */
  readonly words?: string | undefined;
}

export type CastVotes = ReadonlyMap<string, CastVote>;

/** One line of the list: what waits, and what the caller has just done about it. */
export interface Line {
  readonly key: string;
  readonly approval: PendingApproval;
  readonly vote: CastVote | undefined;
  /** The server lists it no longer; it is shown for the words of a refused vote alone. */
  readonly gone: boolean;
}

/** What one line is about: a release and an environment. */
export function keyOf(approval: Pick<PendingApproval, 'releaseIntentId' | 'environment'>): string {
  return `${approval.releaseIntentId}/${approval.environment}`;
}

/**
 * The lines to show: what the server lists, in its order, each with the caller's vote; and refused votes on what is listed
 * no longer, where they stood by age, so that why a vote was refused never disappears unread.
 */
export function linesOf(listed: readonly PendingApproval[], votes: CastVotes): readonly Line[] {
  const keys = new Set(listed.map(keyOf));
  const lines: Line[] = listed.map((approval) => {
    const key = keyOf(approval);
    return { key, approval, vote: votes.get(key), gone: false };
  });
  for (const [key, vote] of votes) {
    if (vote.state !== 'refused' || keys.has(key)) continue;
    const line = { key, approval: vote.approval, vote, gone: true };
    const after = lines.findIndex(({ approval }) => approval.waitingSince > vote.approval.waitingSince);
    lines.splice(after === -1 ? lines.length : after, 0, line);
  }
  return lines;
}

/** How many approvals to show: the server's number, and the caller's own on top while it is on its way. */
export function shownCount({ approval, vote }: Line): number {
  if (!vote || vote.state === 'refused') return approval.currentApprovals;
  if (vote.counted !== undefined) return vote.counted;
  const adds = vote.decision === 'approved' && approval.myDecision !== 'approved';
  return approval.currentApprovals + Number(adds);
}

/** Whether the line waits for a vote of the caller: not while one is on its way or in. */
export function isOpen({ vote, gone }: Line): boolean {
  return !gone && (!vote || vote.state === 'refused');
}

/** The first line of a title, or the slug of a build without one. */
export function titleOf({ title, slug }: PendingApproval): string {
  return title.split('\n', 1)[0]?.trim() || slug;
}

/** The index to go to from `from` (-1 for nowhere yet) by `step` lines, within `count`. */
export function moved(from: number, step: 1 | -1, count: number): number {
  if (from === -1) return step === 1 ? 0 : count - 1;
  return Math.min(Math.max(from + step, 0), count - 1);
}

/** What came of votes on several lines, in words. */
export function outcomeWords(votes: readonly CastVote[]): { words: string; failed: boolean } {
  const [first] = votes;
  const refused = votes.filter(({ state }) => state === 'refused').length;
  const noun = first?.decision === 'rejected' ? 'rejection' : 'approval';
  if (first && votes.length === 1) {
    const { approval, decision } = first;
    const about = `“${shortened(titleOf(approval))}” for ${approval.environment}`;
    return refused
      ? { words: `Your ${noun} of ${about} was not recorded.`, failed: true }
      : { words: `You ${decision} ${about}.`, failed: false };
  }
  if (refused === 0) return { words: `${votes.length} ${noun}s recorded.`, failed: false };
  return {
    words: `${refused} of ${votes.length} ${noun}s ${refused === 1 ? 'was' : 'were'} not recorded; each says why at its line.`,
    failed: true,
  };
}

function shortened(text: string): string {
  const characters = Array.from(text);
  return characters.length > 80 ? `${characters.slice(0, 79).join('')}…` : text;
}
