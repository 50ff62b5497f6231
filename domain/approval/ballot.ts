import type { Policy } from '#domain/policy/policy.ts';
import type { IntentStatus, Stage, StageStatus } from '#domain/release/stage.ts';
import { hasVisibleText } from '#domain/visible-text.ts';
import { type ApprovalTally, tallyVotes } from './tally.ts';
import type { CallerRole, Vote } from './vote.ts';

/** The requested vote: an approval (or a bypass) or a rejection, with the comment as typed. */
export interface Ballot {
  readonly kind: 'approve' | 'reject';
  readonly bypass: boolean;
  readonly comment: string;
}

/** A release intent, as far as ballots on it are concerned. */
export interface BallotRelease {
  readonly intent: { readonly status: IntentStatus };
  /** Ids of the release's authors. */
  readonly authors: ReadonlySet<string>;
  readonly stages: readonly Stage[];
  /** The project's enabled policies. */
  readonly policies: readonly Policy[];
}

/** What decides whether a ballot is accepted. The caller is a member or a service account of the release's organisation. */
export interface BallotFacts {
  readonly environment: string;
  /** Whether the intent has a deploy stage for the environment. */
  readonly hasDeployStage: boolean;
  /** Whether the environment has an enabled approval policy. */
  readonly hasApprovalPolicy: boolean;
  /** Of that deploy stage; of several, the first that is open to votes, else the last. Null when there is none. */
  readonly stageStatus: StageStatus | null;
  readonly isOpenToVotes: boolean;
  readonly intentStatus: IntentStatus;
  readonly role: CallerRole;
  readonly isAuthor: boolean;
}

export interface BallotRefusal {
  /** The code of the answer. */
  readonly code: 'failed_precondition' | 'not_found' | 'permission_denied' | 'invalid_argument';
  readonly message: string;
  /** Set when one field of the request is invalid. */
  readonly field?: 'comment';
}

/** Whether a vote on the stage can still change something. */
export const isOpenToVotes = ({ status, releases }: Pick<Stage, 'status' | 'releases'>): boolean =>
  status === 'PENDING' ||
  status === 'AWAITING_APPROVAL' ||
  // A vote holds, or lets go, what has not started yet.
  (status === 'ACTIVE' && releases.some((release) => release.status === 'QUEUED'));

export const approvalPolicies = ({ policies }: BallotRelease, environment: string): readonly Policy[] =>
  policies.filter((policy) => policy.targetEnvironment === environment && policy.config.type === 'approval');

/** What decides whether a ballot of the user on the environment is accepted. */
export function ballotFacts(
  release: BallotRelease,
  environment: string,
  userId: string,
  role: CallerRole,
): BallotFacts {
  const stages = release.stages.filter(
    ({ kind }) => kind.type === 'deploy' && kind.environment === environment,
  );
  const stage = stages.find(isOpenToVotes) ?? stages.at(-1);
  return {
    environment,
    hasDeployStage: stage !== undefined,
    hasApprovalPolicy: approvalPolicies(release, environment).length > 0,
    stageStatus: stage?.status ?? null,
    isOpenToVotes: stage !== undefined && isOpenToVotes(stage),
    intentStatus: release.intent.status,
    role,
    isAuthor: release.authors.has(userId),
  };
}

/**
 * The tally shown for an environment: that of the approval policy with the highest required number, because its votes also
 * satisfy the others. Null without an enabled approval policy.
 */
export function environmentTally(
  release: BallotRelease,
  environment: string,
  votes: readonly Vote[],
): ApprovalTally | null {
  const required = approvalPolicies(release, environment).map(({ config }) =>
    config.type === 'approval' ? config.requiredApprovals : 0,
  );
  return required.length === 0 ? null : tallyVotes(votes, Math.max(...required));
}

const INTENT_ENDED: Record<Exclude<IntentStatus, 'ACTIVE'>, string> = {
  SUCCEEDED: 'This release has succeeded; votes no longer change it',
  FAILED: 'This release has failed; votes no longer change it',
  CANCELLED: 'This release was cancelled; votes no longer change it',
};

function whyTooLate(facts: BallotFacts): string | null {
  const deployment = `The deployment to ${facts.environment}`;
  if (facts.isOpenToVotes && facts.intentStatus === 'ACTIVE') return null;
  switch (facts.stageStatus) {
    case 'ACTIVE':
      return `${deployment} has started; votes no longer change it`;
    case 'SUCCEEDED':
      return `${deployment} has succeeded; votes no longer change it`;
    case 'FAILED':
      return `${deployment} has failed; votes no longer change it`;
    case 'CANCELLED':
      return `${deployment} was cancelled; votes no longer change it`;
    case 'PENDING':
    case 'AWAITING_APPROVAL':
    case null:
      return facts.intentStatus === 'ACTIVE' ? null : INTENT_ENDED[facts.intentStatus];
  }
}

const noDeployStage = (environment: string): BallotRefusal => ({
  code: 'failed_precondition',
  message: `This release does not deploy to ${environment}`,
});
const noApprovalPolicy = (environment: string): BallotRefusal => ({
  code: 'not_found',
  message: `There is no approval policy for ${environment}`,
});

/** Rows 5 and 6 of the table of decisions, which also apply to reading the votes. */
export function checkVotedEnvironment(facts: BallotFacts): BallotRefusal | null {
  if (!facts.hasDeployStage) return noDeployStage(facts.environment);
  return facts.hasApprovalPolicy ? null : noApprovalPolicy(facts.environment);
}

/**
 * Rows 5 to 10 of the table of decisions, in its order: the first that applies is the answer; null when the ballot is
 * accepted. The server checks rows 1 to 4 (credentials, ids, membership, the intent).
 */
export function checkBallot(ballot: Ballot, facts: BallotFacts): BallotRefusal | null {
  // The access table already refuses service accounts; checked again, because the four-eyes rule depends on it.
  if (facts.role === 'service') return { code: 'permission_denied', message: 'Service accounts cannot vote' };
  const unknown = checkVotedEnvironment(facts);
  if (unknown !== null) return unknown;
  const tooLate = whyTooLate(facts);
  if (tooLate !== null) return { code: 'failed_precondition', message: tooLate };
  if (ballot.bypass && facts.role !== 'admin') {
    return { code: 'permission_denied', message: 'Only an admin of the organisation can bypass an approval' };
  }
  if (ballot.bypass && !hasVisibleText(ballot.comment)) {
    return {
      code: 'invalid_argument',
      message: 'A bypass requires a reason in the comment',
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

/**
 * Whether a user may take back their own vote: rows 5 to 7 of the table of decisions, and there must be one. Who has become an
 * author, or is no longer an admin, may still withdraw.
 */
export function checkWithdrawal(hasVoted: boolean, facts: BallotFacts): BallotRefusal | null {
  if (facts.role === 'service') return { code: 'permission_denied', message: 'Service accounts cannot vote' };
  const unknown = checkVotedEnvironment(facts);
  if (unknown !== null) return unknown;
  const tooLate = whyTooLate(facts);
  if (tooLate !== null) return { code: 'failed_precondition', message: tooLate };
  if (hasVoted) return null;
  return { code: 'failed_precondition', message: `You have no vote on ${facts.environment} to withdraw` };
}

export interface Permission {
  readonly allowed: boolean;
  /** Why not, for people; empty when allowed. */
  readonly reason: string;
}

/** What a check permits. */
export const permissionOf = (refusal: BallotRefusal | null): Permission => ({
  allowed: refusal === null,
  reason: refusal?.message ?? '',
});

export type Choice = 'approve' | 'reject' | 'bypass';

/** What the caller may do now, by the same check that a ballot passes (a bypass is assumed to have a reason). */
export function ballotPermissions(facts: BallotFacts): Readonly<Record<Choice, Permission>> {
  const permission = (ballot: Ballot) => permissionOf(checkBallot(ballot, facts));
  return {
    approve: permission({ kind: 'approve', bypass: false, comment: '' }),
    reject: permission({ kind: 'reject', bypass: false, comment: '' }),
    bypass: permission({ kind: 'approve', bypass: true, comment: 'assumed' }),
  };
}
