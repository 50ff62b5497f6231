import type { Vote } from './vote.ts';

/** A vote with the verdict on it: does it have a say now, and if not, why. */
export interface CountedVote extends Vote {
  readonly counted: boolean;
  /** For people; null when the vote counts. */
  readonly notCountedReason: string | null;
}

/** The state of an approval for one release intent, environment and number required. */
export interface ApprovalTally {
  readonly required: number;
  /** Counted approvals of people; a bypass is never one of them. */
  readonly current: number;
  /** Enough approvals, or a bypass that stands. */
  readonly passed: boolean;
  /** The first bypass that stands; null when there is none. */
  readonly bypass: CountedVote | null;
  /** All votes in the order given. */
  readonly decisions: readonly CountedVote[];
}

const isBypass = (vote: Vote): boolean => vote.bypass && vote.decision === 'approved';

function whyNotCounted(vote: Vote, current: Vote | undefined): string | null {
  if (vote !== current) return 'replaced by a later vote';
  // A bypass needs the admin's right for as long as it is to stand; without it, it is not even an approval.
  if (isBypass(vote)) return vote.role === 'admin' ? null : 'no longer an admin';
  if (vote.role === null) return 'no longer a member';
  if (vote.isAuthor) return 'by an author of the release';
  return null;
}

/** The latest vote of each user: one voice each, whatever the caller hands in. */
function currentVotes(votes: readonly Vote[]): Map<string, Vote> {
  const current = new Map<string, Vote>();
  for (const vote of votes) {
    const earlier = current.get(vote.userId);
    if (!earlier || earlier.decidedAt <= vote.decidedAt) current.set(vote.userId, vote);
  }
  return current;
}

/**
 * Counts votes by the gate's rules: a vote counts while its user is a member and no author; a bypass stands while
 * its user is an admin, author or not; a rejection has a say but takes nothing away. `required` is 1 or more: anything
 * else is never reached by counting (fail closed).
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
