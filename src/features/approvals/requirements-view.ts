import {
  type EnvironmentRequirements,
  type GetReleaseRequirementsResponse,
  type PolicyEvaluation,
  PolicyType,
} from '#src/gen/forest/v1/policies_pb.ts';
import { PipelineRunStageStatus as Stage } from '#src/gen/forest/v1/releases_pb.ts';

/** The badge of a policy's type. A type this page does not know is called a policy; the server blocks it. */
export function typeWords(type: PolicyType): string {
  switch (type) {
    case PolicyType.EXTERNAL_APPROVAL:
      return 'Approval';
    case PolicyType.SOAK_TIME:
      return 'Soak Time';
    case PolicyType.BRANCH_RESTRICTION:
      return 'Branch';
    default:
      return 'Policy';
  }
}

/** How many of all evaluations passed, over all environments. */
export function tally(requirements: GetReleaseRequirementsResponse): { passed: number; total: number } {
  const all = requirements.environments.flatMap((environment) => environment.evaluations);
  return { passed: all.filter((evaluation) => evaluation.passed).length, total: all.length };
}

/** The evaluations in the two groups in which they are shown. */
export function split(environment: EnvironmentRequirements): {
  blocked: readonly PolicyEvaluation[];
  passed: readonly PolicyEvaluation[];
} {
  return {
    blocked: environment.evaluations.filter((evaluation) => !evaluation.passed),
    passed: environment.evaluations.filter((evaluation) => evaluation.passed),
  };
}

/** The approval evaluations of an environment; several may stand, and one vote counts for all of them. */
export function approvalsOf(environment: EnvironmentRequirements): readonly PolicyEvaluation[] {
  return environment.evaluations.filter((one) => one.policyType === PolicyType.EXTERNAL_APPROVAL);
}

/** Whether the stage has yet to start, so that a vote may still matter. The server has the last word on each vote. */
export function stillOpen(environment: EnvironmentRequirements): boolean {
  return environment.stageStatus === Stage.PENDING || environment.stageStatus === Stage.AWAITING_APPROVAL;
}

/** What a bypass skips in this environment and what it leaves, as a sentence for its dialog. */
export function skippedWords(environment: EnvironmentRequirements): string {
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
  if (approvals.length === 0) return `No approval for ${environment.environment} is missing now; ${stay}.`;
  return `This skips ${approvals.join(', and ')}; ${stay}.`;
}

/**
 * Why each stage that has yet to start waits, as of this answer: the reasons of what blocks it, by stage. What a stage
 * itself carries was written when it was last looked at, and a time left in it has gone stale since.
 */
export function reasonsByStage(requirements: GetReleaseRequirementsResponse): Record<string, string> {
  const entries = requirements.environments.filter(stillOpen).flatMap((environment) => {
    const reasons = split(environment).blocked.flatMap(({ reason }) => (reason ? [reason] : []));
    return environment.stageId && reasons.length > 0 ? [[environment.stageId, reasons.join('; ')]] : [];
  });
  return Object.fromEntries(entries);
}
