import { create } from '@bufbuild/protobuf';
import {
  type ApprovalDecisionEntry,
  ApprovalDecisionEntrySchema,
  type ApprovalState,
  type EnvironmentRequirements,
  type GetReleaseRequirementsResponse,
  PolicyType,
} from '#src/gen/forest/v1/policies_pb.ts';

/** The person whose vote is shown before the server has answered. */
export interface Voter {
  readonly userId: string;
  readonly username: string;
}

export interface Vote {
  readonly environment: string;
  readonly decision: 'approved' | 'rejected';
  /** Empty when nothing was said. */
  readonly comment: string;
}

/**
 * The requirements as they look once the vote is in: the voter's entry replaced, the count moved by what that changes, the
 * voter's own decision set. Verdicts stay as they are: whether a policy passes is the server's to say.
 * Applying the same vote twice gives the same result as once.
 */
export function withVote(
  requirements: GetReleaseRequirementsResponse,
  vote: Vote,
  voter: Voter,
  now: Date,
): GetReleaseRequirementsResponse {
  return changeEnvironment(requirements, vote.environment, (environment) => {
    const entry = create(ApprovalDecisionEntrySchema, {
      userId: voter.userId,
      username: voter.username,
      decision: vote.decision,
      decidedAt: now.toISOString(),
      comment: vote.comment || undefined,
      counted: true,
    });
    return changeApprovals({ ...environment, myDecision: entry }, (state) => {
      const before = state.decisions.find((one) => one.userId === voter.userId);
      const change = Number(countsAsApproval(entry)) - Number(countsAsApproval(before));
      const decisions = before
        ? state.decisions.map((one) => (one === before ? entry : one))
        : [...state.decisions, entry];
      return { ...state, decisions, currentApprovals: Math.max(state.currentApprovals + change, 0) };
    });
  });
}

/**
 * The requirements corrected by the state that a vote was answered with. Each approval policy keeps its own required
 * number, as one vote counts for several policies that may ask for different numbers.
 */
export function withAnswer(
  requirements: GetReleaseRequirementsResponse,
  environmentName: string,
  answer: ApprovalState,
  voter: Voter,
): GetReleaseRequirementsResponse {
  return changeEnvironment(requirements, environmentName, (environment) =>
    changeApprovals(
      { ...environment, myDecision: answer.decisions.find((one) => one.userId === voter.userId) },
      (state) => ({ ...answer, requiredApprovals: state.requiredApprovals }),
    ),
  );
}

/** The requirements with one environment put back as it was in `snapshot`; the others stay as they are now. */
export function withEnvironmentOf(
  requirements: GetReleaseRequirementsResponse,
  environmentName: string,
  snapshot: GetReleaseRequirementsResponse,
): GetReleaseRequirementsResponse {
  const before = snapshot.environments.find((one) => one.environment === environmentName);
  return before ? changeEnvironment(requirements, environmentName, () => before) : requirements;
}

/** Bypasses open the gate without being counted among the people who approved. */
function countsAsApproval(entry: ApprovalDecisionEntry | undefined): boolean {
  return entry !== undefined && entry.decision === 'approved' && entry.counted && !entry.bypass;
}

function changeEnvironment(
  requirements: GetReleaseRequirementsResponse,
  name: string,
  change: (environment: EnvironmentRequirements) => EnvironmentRequirements,
): GetReleaseRequirementsResponse {
  return {
    ...requirements,
    environments: requirements.environments.map((one) => (one.environment === name ? change(one) : one)),
  };
}

function changeApprovals(
  environment: EnvironmentRequirements,
  change: (state: ApprovalState) => ApprovalState,
): EnvironmentRequirements {
  return {
    ...environment,
    evaluations: environment.evaluations.map((one) =>
      one.policyType === PolicyType.EXTERNAL_APPROVAL && one.approvalState
        ? { ...one, approvalState: change(one.approvalState) }
        : one,
    ),
  };
}
