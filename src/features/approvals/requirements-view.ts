import {
  type EnvironmentRequirements,
  type GetReleaseRequirementsResponse,
  type PolicyEvaluation,
  PolicyType,
} from '#src/gen/forest/v1/policies_pb.ts';
import { ReleaseIntentStatus, PipelineRunStageStatus as Stage } from '#src/gen/forest/v1/releases_pb.ts';
import { listOf } from './ballot-labels.ts';

/** The badge of a policy's type; `Policy` for a type that this version does not know. */
export function typeLabel(type: PolicyType): string {
  switch (type) {
    case PolicyType.EXTERNAL_APPROVAL:
      return 'Approval';
    case PolicyType.SOAK_TIME:
      return 'Soak Time';
    case PolicyType.BRANCH_RESTRICTION:
      return 'Branch';
    case PolicyType.HOLD:
      return 'On hold';
    default:
      return 'Policy';
  }
}

/** How many of the evaluations passed, over all environments. */
export function tally(requirements: GetReleaseRequirementsResponse): { passed: number; total: number } {
  const all = requirements.environments.flatMap((environment) => environment.evaluations);
  return { passed: all.filter((evaluation) => evaluation.passed).length, total: all.length };
}

/** The approval policies of an environment. One vote counts for all of them. */
export function approvalsOf(environment: EnvironmentRequirements): readonly PolicyEvaluation[] {
  return environment.evaluations.filter((one) => one.policyType === PolicyType.EXTERNAL_APPROVAL);
}

/** Whether the stage has not started, so that a vote can matter. */
export function isOpen(environment: EnvironmentRequirements): boolean {
  return environment.stageStatus === Stage.PENDING || environment.stageStatus === Stage.AWAITING_APPROVAL;
}

/** Whether a vote still counts: also on a deployment that is queued, which it can hold back. */
export function isVotable(
  { intentStatus }: GetReleaseRequirementsResponse,
  environment: EnvironmentRequirements,
): boolean {
  const { stageStatus, canApprove, canReject, canBypass, canWithdraw } = environment;
  if (intentStatus !== ReleaseIntentStatus.ACTIVE) return false;
  if (stageStatus !== Stage.ACTIVE) return isOpen(environment);
  return [canApprove, canReject, canBypass, canWithdraw].some((permission) => permission?.allowed);
}

/** What a bypass skips in this environment and what stays in force, as a sentence. */
export function skippedLabel(environment: EnvironmentRequirements): string {
  const approvals = approvalsOf(environment)
    .filter((one) => !one.passed && one.approvalState)
    .map((one) => {
      const current = one.approvalState?.currentApprovals ?? 0;
      const required = one.approvalState?.requiredApprovals ?? 0;
      const missing = Math.max(required - current, 0);
      const noun = required === 1 ? 'approval' : 'approvals';
      return `${missing} of ${required} ${noun} for ${environment.environment}`;
    });
  const stay = 'soak time and branch rules stay in force';
  if (approvals.length === 0) return `No approvals for ${environment.environment} are missing; ${stay}.`;
  return `This skips ${approvals.join(', and ')}; ${stay}.`;
}

/**
 * Why each stage waits that has not started, by stage id. A stage's own reason is from its last evaluation, so that a time
 * left in it is out of date.
 */
export function reasonsByStage(requirements: GetReleaseRequirementsResponse): Record<string, string> {
  const entries = requirements.environments.filter(isOpen).flatMap((environment) => {
    const reasons = environment.evaluations.flatMap(({ passed, reason }) =>
      !passed && reason ? [reason] : [],
    );
    return environment.stageId && reasons.length > 0 ? [[environment.stageId, reasons.join('; ')]] : [];
  });
  return Object.fromEntries(entries);
}

/** The authors of a release, to follow `anyone except`: `ci (service account) or alice`. */
export function authorLabel({
  authors,
  authorUsername,
}: Pick<GetReleaseRequirementsResponse, 'authors' | 'authorUsername'>): string {
  return authors.length < 2
    ? authorUsername
    : listOf(
        authors.map(({ username }) => username),
        'or',
      );
}
