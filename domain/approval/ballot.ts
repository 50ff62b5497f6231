import type { IntentStatus, StageStatus } from '#domain/release/stage.ts';
import type { Standing } from './vote.ts';

/** What somebody asks for: an approval (perhaps a bypass) or a rejection, with the comment as typed. */
export interface Ballot {
  readonly kind: 'approve' | 'reject';
  readonly bypass: boolean;
  readonly comment: string;
}

/** What decides whether a ballot is taken. The caller is known, and a member or service account of the release's organisation. */
export interface BallotFacts {
  readonly environment: string;
  /** Whether the intent has a deploy stage for the environment. */
  readonly hasDeployStage: boolean;
  /** Whether an enabled approval policy aims at the environment. */
  readonly hasApprovalPolicy: boolean;
  /** Of that deploy stage; of several, the first that has not started, else the last. Null when there is none. */
  readonly stageStatus: StageStatus | null;
  readonly intentStatus: IntentStatus;
  readonly role: Standing;
  readonly isAuthor: boolean;
}

export interface BallotRefusal {
  /** The code of the answer. */
  readonly code: 'failed_precondition' | 'not_found' | 'permission_denied' | 'invalid_argument';
  readonly message: string;
  /** Set when one field of the request is at fault. */
  readonly field?: 'comment';
}

const INTENT_ENDED: Record<Exclude<IntentStatus, 'ACTIVE'>, string> = {
  SUCCEEDED: 'This release has succeeded; votes no longer change it.',
  FAILED: 'This release has failed; votes no longer change it.',
  CANCELLED: 'This release was cancelled; votes no longer change it.',
};

function whyTooLate(facts: BallotFacts): string | null {
  const deployment = `The deployment to ${facts.environment}`;
  switch (facts.stageStatus) {
    case 'ACTIVE':
      return `${deployment} has started; votes no longer change it.`;
    case 'SUCCEEDED':
      return `${deployment} has succeeded; votes no longer change it.`;
    case 'FAILED':
      return `${deployment} has failed; votes no longer change it.`;
    case 'CANCELLED':
      return `${deployment} was cancelled; votes no longer change it.`;
    case 'PENDING':
    case 'AWAITING_APPROVAL':
    case null:
      return facts.intentStatus === 'ACTIVE' ? null : INTENT_ENDED[facts.intentStatus];
  }
}

/**
 * Rows 5 to 10 of the table of decisions, in its order: the first that applies is the answer; null when the ballot is
 * taken. Rows 1 to 4 (who is calling, ids, membership, the intent) are the server's. A service account's is never taken.
 */
export function checkBallot(ballot: Ballot, facts: BallotFacts): BallotRefusal | null {
  // The server's table of access lets none come so far; whatever becomes of that, a machine has no voice.
  if (facts.role === 'service') {
    return { code: 'permission_denied', message: 'A service account has no vote.' };
  }
  if (!facts.hasDeployStage) {
    return { code: 'failed_precondition', message: `This release does not deploy to ${facts.environment}.` };
  }
  if (!facts.hasApprovalPolicy) {
    return { code: 'not_found', message: `There is no approval policy for ${facts.environment}.` };
  }
  const tooLate = whyTooLate(facts);
  if (tooLate !== null) return { code: 'failed_precondition', message: tooLate };
  if (ballot.bypass && facts.role !== 'admin') {
    const message = 'Only an admin of the organisation can bypass an approval.';
    return { code: 'permission_denied', message };
  }
  if (ballot.bypass && ballot.comment.trim() === '') {
    return {
      code: 'invalid_argument',
      message: 'A bypass needs a reason: say it in the comment.',
      field: 'comment',
    };
  }
  if (facts.isAuthor && ballot.kind === 'approve' && !ballot.bypass) {
    return { code: 'permission_denied', message: 'You cannot approve your own release.' };
  }
  if (facts.isAuthor && ballot.kind === 'reject' && facts.role !== 'admin') {
    const message = 'You cannot reject your own release. You can cancel it instead.';
    return { code: 'permission_denied', message };
  }
  return null;
}

export interface Permission {
  readonly allowed: boolean;
  /** Why not, for people; empty when allowed. */
  readonly reason: string;
}

/** What the caller may do now, by the very check that their ballot would meet (a bypass is thought with its reason). */
export function ballotPermissions(facts: BallotFacts): {
  readonly approve: Permission;
  readonly reject: Permission;
  readonly bypass: Permission;
} {
  const permission = (ballot: Ballot): Permission => {
    const refusal = checkBallot(ballot, facts);
    return { allowed: refusal === null, reason: refusal?.message ?? '' };
  };
  return {
    approve: permission({ kind: 'approve', bypass: false, comment: '' }),
    reject: permission({ kind: 'reject', bypass: false, comment: '' }),
    bypass: permission({ kind: 'approve', bypass: true, comment: 'given' }),
  };
}
