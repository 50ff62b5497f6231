import type { ApprovalTally } from './tally.ts';
import type { Role } from './vote.ts';

/** A member of the organisation, as far as votes are concerned. */
export interface Member {
  readonly userId: string;
  readonly username: string;
  readonly role: Role;
}

/** A member whose approval can still be added. */
export type Voter = Pick<Member, 'userId' | 'username'>;

/** What is missing for an approval, and who can supply it. */
export interface ApprovalOutlook {
  /** Approvals still needed, 0 or more; 0 also where a bypass stands. */
  readonly missing: number;
  /** In the order of the members given. */
  readonly eligible: readonly Voter[];
}

/**
 * What an approval still needs. Eligible is every member who is no author and whose approval does not count yet: a
 * rejection can be turned into an approval, and so can a bypass. `requiredApprovals` is 1 or more.
 */
export function approvalOutlook(
  tally: ApprovalTally,
  members: readonly Member[],
  authors: ReadonlySet<string>,
  requiredApprovals: number,
): ApprovalOutlook {
  const approved = new Set(
    tally.decisions
      .filter((vote) => vote.counted && vote.decision === 'approved' && !vote.bypass)
      .map((vote) => vote.userId),
  );
  const eligible = members
    .filter(({ userId }) => !authors.has(userId) && !approved.has(userId))
    .map(({ userId, username }) => ({ userId, username }));
  const missing = tally.bypass === null ? Math.max(0, requiredApprovals - tally.current) : 0;
  return { missing, eligible };
}
