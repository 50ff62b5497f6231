import type { Evaluation } from '#domain/policy/evaluate.ts';
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

/** What an approval policy still needs, and who can supply it. */
export interface ApprovalOutlook {
  /** Approvals still needed, 0 or more; also 0 when a bypass counts. */
  readonly missing: number;
  /** In the order of the members given. */
  readonly eligible: readonly Voter[];
}

/**
 * What an approval still needs. Eligible is every member who is not an author and whose approval does not count yet: a
 * rejection or a bypass can be changed to an approval. `requiredApprovals` is 1 or more.
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

/** A verdict with what an approval still needs; the outlook is null for other rules and without a release. */
export interface JudgedPolicy {
  readonly evaluation: Evaluation;
  readonly outlook: ApprovalOutlook | null;
}

/** Adds to the verdicts on a release who can supply the missing approvals. */
export const withOutlook = (
  evaluations: readonly Evaluation[],
  members: readonly Member[],
  authors: ReadonlySet<string>,
): JudgedPolicy[] =>
  evaluations.map((evaluation) => {
    const { approval: tally } = evaluation;
    const outlook = tally && approvalOutlook(tally, members, authors, tally.required);
    return { evaluation, outlook };
  });
