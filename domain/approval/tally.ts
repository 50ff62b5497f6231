import type { Vote } from './vote.ts';

/** A vote, whether it counts at present, and if not, why. */
export interface CountedVote extends Vote {
  readonly counted: boolean;
  /** For people; null when the vote counts. */
  readonly notCountedReason: string | null;
}

/** The state of an approval for one release intent, environment and required number. */
export interface ApprovalTally {
  readonly required: number;
  /** Counted approvals; bypasses are not among them. */
  readonly current: number;
  /** Enough approvals, or a bypass that counts. */
  readonly passed: boolean;
  /** The first bypass that counts; null when there is none. */
  readonly bypass: CountedVote | null;
  /** All votes in the order given. */
  readonly decisions: readonly CountedVote[];
}

const isBypass = (vote: Vote): boolean => vote.bypass && vote.decision === 'approved';

function whyNotCounted(vote: Vote, current: Vote | undefined): string | null {
  if (vote !== current) return 'replaced by a later vote';
  // A former admin's bypass does not become an approval.
  if (isBypass(vote)) return vote.role === 'admin' ? vote.outdated : 'no longer an admin';
  if (vote.role === null) return 'no longer a member';
  if (vote.isAuthor) return 'by an author of the release';
  return vote.outdated;
}

/** The latest vote of each user, if the caller passes several. */
function currentVotes(votes: readonly Vote[]): Map<string, Vote> {
  const current = new Map<string, Vote>();
  for (const vote of votes) {
    const earlier = current.get(vote.userId);
    if (!earlier || earlier.decidedAt <= vote.decidedAt) current.set(vote.userId, vote);
  }
  return current;
}

/**
 * Counts votes: a vote counts while its user is a member and not an author; a bypass counts while its user is an admin, even if
 * an author; neither counts once it is outdated. A rejection does not reduce the number of approvals. A `required` below 1 is never reached (fail closed).
 */
export function tallyVotes(votes: readonly Vote[], required: number): ApprovalTally {
  const currentOf = currentVotes(votes);
  const decisions = votes.map((vote): CountedVote => {
    const notCountedReason = whyNotCounted(vote, currentOf.get(vote.userId));
    return { ...vote, counted: notCountedReason === null, notCountedReason };
  });
  const counted = decisions.filter((vote) => vote.counted);
  const current = counted.filter((vote) => vote.decision === 'approved' && !vote.bypass).length;
  const bypass = counted.find(isBypass) ?? null;
  const enough = required >= 1 && current >= required;
  return { required, current, passed: enough || bypass !== null, bypass, decisions };
}
